#include "server/cli/pushing.h"

#include "handlers/event/envelope.h"
#include "server/cli/command.h"
#include "server/cli/trigger.h"
#include "tests/server/fakes.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace wxpush;
using namespace wxpush::cli;

namespace {

config::App app() {
  config::App result;
  result.name = "shop";
  result.appid = "wx0123456789abcdef";
  result.paths = {"/wx/shop", "/wechat"};
  result.keys = {{"new", config::Secret("token"), config::Secret(std::string(43, 'A'))},
                 {"old", config::Secret("older"), config::Secret(std::string(43, 'Q'))}};
  return result;
}

config::Settings listening(config::ListenAddress address) {
  config::Settings settings;
  settings.server.listen = {std::move(address)};
  settings.server.tls = config::TlsFiles{"/etc/cert.pem", "/etc/key.pem"};
  return settings;
}

const std::string message =
    R"({"ToUserName":"gh_1","FromUserName":"o 1","CreateTime":1,"MsgType":"event","Event":"update_waybill_status"})";

SealedPush sealed(const crypto::PushCodec& codec) {
  test::CountingRandom random;
  return seal_push(codec, random, message, names_in(codec, message), {"1700000000", "42"});
}

HttpAnswer answer(int status, std::string body) {
  HttpAnswer result;
  result.status = status;
  result.body = std::move(body);
  return result;
}

// What a server of ours would answer, with `resultcode` in it.
HttpAnswer sealed_answer(const crypto::PushCodec& codec, const std::string& text,
                         const std::string& nonce) {
  const auto reply = codec.seal(codec.keys().front(), {}, text, "1700000001", "77");
  return answer(200, event::write_sealed_reply(event::Format::json, reply.encrypt,
                                               reply.msg_signature, 1'700'000'001, nonce));
}

}  // namespace

TEST_CASE("a sealed push is what WeChat sends: its query, its body, and it opens") {
  const crypto::PushCodec codec = make_codec(app());
  const SealedPush push = sealed(codec);
  const auto query = parse_query(push.query);
  CHECK(query.at("timestamp") == "1700000000");
  CHECK(query.at("nonce") == "42");
  CHECK(query.at("openid") == "o 1");
  CHECK(query.at("encrypt_type") == "aes");
  CHECK(codec.verify_handshake(query.at("signature"), "1700000000", "42") == &codec.keys().front());
  const auto envelope = event::read_envelope(push.body);
  REQUIRE(envelope);
  CHECK(push.body.find("\"gh_1\"") != std::string::npos);
  const auto opened = codec.open("1700000000", "42", query.at("msg_signature"), envelope->encrypt);
  REQUIRE(opened.has_value());
  CHECK(opened->message == message);
}

TEST_CASE("without a URL pushes go to the first address of the settings, by way of this machine") {
  const auto url_of = [](config::ListenAddress address) {
    return to_string(push_target({}, listening(std::move(address)), app()).url);
  };
  CHECK(url_of(config::TcpAddress{"0.0.0.0", 8443}) == "https://127.0.0.1:8443/wx/shop");
  CHECK(url_of(config::TcpAddress{"::", 8443}) == "https://[::1]:8443/wx/shop");
  CHECK(url_of(config::TcpAddress{"10.0.0.5", 443}) == "https://10.0.0.5/wx/shop");
  CHECK(url_of(config::UnixAddress{"/run/push.sock"}) == "unix:/run/push.sock:/wx/shop");
  CHECK_THROWS_AS(url_of(config::TcpAddress{"127.0.0.1", 0}), CommandError);
}

TEST_CASE(
    "the settings' own certificate is believed only on the way to the settings' own address") {
  config::Settings settings = listening(config::TcpAddress{"127.0.0.1", 8443});
  CHECK(push_target({}, settings, app()).trust.ca_file == "/etc/cert.pem");
  CHECK(
      push_target({"https://push.example.com", false, ""}, settings, app()).trust.ca_file.empty());
  CHECK(push_target({"", false, "/ca.pem"}, settings, app()).trust.ca_file == "/ca.pem");
  settings.server.tls.reset();
  CHECK(push_target({}, settings, app()).url.scheme == Scheme::http);
  CHECK(push_target({}, settings, app()).trust.ca_file.empty());
}

TEST_CASE(
    "a URL without a path gets the app's; one with a path keeps it, and its query stays in front") {
  const config::Settings settings = listening(config::TcpAddress{"127.0.0.1", 8443});
  CHECK(push_target({"https://a/", false, ""}, settings, app()).url.path == "/wx/shop");
  CHECK(push_target({"unix:/a", false, ""}, settings, app()).url.path == "/wx/shop");
  const PushTarget target = push_target({"https://a/b?x=1", false, ""}, settings, app());
  const HttpRequest request = push_request(target, {"nonce=1", "{}"});
  CHECK(request.url.path == "/b");
  CHECK(request.url.query == "x=1&nonce=1");
  CHECK(request.method == "POST");
  CHECK_THROWS_AS(push_target({"a", false, ""}, settings, app()), CommandError);
}

TEST_CASE(
    "WeChat is content with success, with nothing, and with a sealed reply that proves itself") {
  const crypto::PushCodec codec = make_codec(app());
  CHECK(judge(codec, answer(200, "success")).acknowledged);
  CHECK(judge(codec, answer(200, "")).acknowledged);
  const Judgement good =
      judge(codec, sealed_answer(codec, R"({"Event":"e","resultcode":0})", "77"));
  CHECK(good.acknowledged);
  CHECK(good.words == "reply sealed and signed: e, resultcode 0");
}

TEST_CASE("and not with anything else") {
  const crypto::PushCodec codec = make_codec(app());
  CHECK_FALSE(judge(codec, answer(503, "success")).acknowledged);
  CHECK_FALSE(judge(codec, answer(200, "ok")).acknowledged);
  CHECK_FALSE(judge(codec, answer(200, "{}")).acknowledged);
  CHECK_FALSE(judge(codec, sealed_answer(codec, R"({"Event":"e","resultcode":0})", "78"))
                  .acknowledged);  // other Nonce
  CHECK_FALSE(judge(codec, sealed_answer(codec, R"({"Event":"e"})", "77")).acknowledged);
  CHECK_FALSE(judge(codec, sealed_answer(codec, "no JSON", "77")).acknowledged);
  HttpAnswer late;
  late.failure = "timeout";
  CHECK_FALSE(judge(codec, late).acknowledged);
}

TEST_CASE("a push is tried three times with the same bytes, and no more once it is acknowledged") {
  const crypto::PushCodec codec = make_codec(app());
  const PushTarget target = push_target({"https://a/b", false, ""}, {}, app());
  const SealedPush push = sealed(codec);
  std::vector<HttpRequest> sent;
  std::size_t good_from = 1;
  const Transport transport = [&](const HttpRequest& request) {
    sent.push_back(request);
    HttpAnswer result = answer(sent.size() > good_from ? 200 : 503, "success");
    result.took = std::chrono::milliseconds(12);
    return result;
  };
  std::ostringstream out;
  SUBCASE("the second try is acknowledged") {
    CHECK(push_once(transport, codec, target, push, message, out));
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].body == sent[1].body);
    CHECK(sent[0].url.query == sent[1].url.query);
    CHECK(sent[0].timeout == std::chrono::seconds(5));
    const std::string id = event::to_string(event::make_event_id(codec.appid(), message));
    CHECK(out.str() == "--> update_waybill_status [" + id +
                           "]\n"
                           "<-- [503] POST https://a/b (12 ms)\n    refused\n"
                           "<-- [200] POST https://a/b (12 ms)\n    reply success\n");
  }
  SUBCASE("none is") {
    good_from = 99;
    CHECK_FALSE(push_once(transport, codec, target, push, message, out));
    CHECK(sent.size() == 3);
  }
  SUBCASE("nobody is there") {
    const Transport nobody = [&](const HttpRequest&) {
      HttpAnswer result;
      result.failure = "connect: connection refused";
      return result;
    };
    CHECK_FALSE(push_once(nobody, codec, target, push, message, out));
    CHECK(out.str().find("<-- [connect: connection refused] POST https://a/b (0 ms)\n") !=
          std::string::npos);
  }
}
