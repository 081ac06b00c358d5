#include "server/push_endpoint.h"

#include "crypto/wechat/signature.h"
#include "handlers/event/envelope.h"
#include "handlers/event/json.h"
#include "tests/server/fakes.h"

#include <doctest/doctest.h>

#include <string>

using namespace wxpush;
using namespace wxpush::server;
using namespace wxpush::test;

namespace {

constexpr auto aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
constexpr auto other_aes_key = "0123456789ABCDEFGabcdefghijklmnopqrstuvwxyz";
constexpr auto waybill =
    R"({"ToUserName":"gh_1","FromUserName":"team","CreateTime":1700000000,"MsgType":"event","Event":"update_waybill_status",)"
    R"("shopid":"s","shop_order_id":"o1","waybill_id":"w","action_time":1700000000,"order_status":102})";

config::Key key(const char* name, const char* token, const char* aes) {
  return {name, config::Secret(token), config::Secret(aes)};
}

config::App app(const char* name, const char* appid) {
  config::App made;
  made.name = name;
  made.appid = appid;
  made.paths = {std::string("/wx/") + name};
  made.keys = {key("default", "token", aes_key)};
  return made;
}

// A push as WeChat would send it to /wx/shop, with every part open to change.
struct Push {
  std::string path = "/wx/shop";
  std::string token = "token", aes = aes_key, receive_id = "wxshop";
  std::string timestamp = "1700000000", nonce = "n1";
  std::string message = waybill;
  event::Format format = event::Format::json;
  std::string query, body;

  Push& seal() {
    const auto made = crypto::PushKey::make("k", token, aes);
    std::array<std::uint8_t, 16> random16{};
    const auto encrypted = crypto::encrypt(*made, random16, message, receive_id);
    query = "signature=x&timestamp=" + timestamp + "&nonce=" + nonce +
            "&openid=o&encrypt_type=aes&msg_signature=" +
            crypto::message_signature(token, timestamp, nonce, encrypted);
    body = event::write_envelope(format, "gh_1", encrypted);
    return *this;
  }
  Request request() const {
    Request made{Method::post, path, query, body, {}};
    made.content_type = "application/json; charset=utf-8";
    made.forwarded_for = "9.9.9.9";
    return made;
  }
};

// Stands for the service that a route names; here nothing is sent.
class NamedTarget final : public ForwardTarget {
 public:
  explicit NamedTarget(std::string name) : url(std::move(name)) {}
  void forward(ForwardRequest, std::chrono::milliseconds,
               std::function<void(ForwardAnswer)>) const override {
    FAIL("the endpoint decides, and sends nothing");
  }
  const std::string url;
};

config::Route route(std::vector<std::string> events, const char* url, bool store = false) {
  config::Route made;
  made.events = std::move(events);
  made.url = url;
  made.store = store;
  return made;
}

struct Fixture {
  FakeClock clock;
  CountingRandom random;
  Metrics metrics;
  std::vector<config::App> settings{app("shop", "wxshop"), app("cafe", "wxcafe")};
  std::chrono::seconds max_age{0};

  Action accept(const Request& request) {
    const auto apps =
        std::make_shared<AppTable>(settings, metrics, [](const config::BackEnd& back_end) {
          return std::make_shared<NamedTarget>(back_end.url);
        });
    PushEndpoint endpoint(apps, random, max_age);
    return endpoint.accept(request, clock.now);
  }
  Action accept(const Push& push) { return accept(push.request()); }
};

std::string target_of(const Action& action) {
  if (!action.forward) return "";
  return dynamic_cast<const NamedTarget&>(*action.forward->target).url;
}

void check_refused(const Action& action, Cause cause) {
  CHECK(to_wire(action.reply, true, false, false) == to_wire(refusal(), true, false, false));
  CHECK_FALSE(action.append);
  CHECK_FALSE(action.forward);
  CHECK(action.report->cause == cause);
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a proved push is appended, and its answer waits for that") {
  const auto action = accept(Push{}.seal());
  REQUIRE(action.append);
  CHECK(action.append->body == waybill);
  CHECK(action.append->event_id == event::make_event_id("wxshop", waybill));
  CHECK(action.append->app == "shop");
  CHECK(action.append->type == "update_waybill_status");
  CHECK(action.append->order_key == "wxshop/s/o1");
  CHECK(action.append->received_at == clock.now);
  CHECK(action.report->verdict == Verdict::accepted);
  CHECK(action.reply.status == 200);
}

TEST_CASE_FIXTURE(Fixture, "a delivery status is answered by the documented object, sealed") {
  const auto action = accept(Push{}.seal());
  CHECK(action.reply.content_type == "application/json");
  const auto reply = event::read_sealed_reply(action.reply.body);
  REQUIRE(reply);
  const crypto::PushCodec codec("wxshop", [] {
    std::vector<crypto::PushKey> keys;
    keys.push_back(*crypto::PushKey::make("k", "token", aes_key));
    return keys;
  }());
  const auto opened =
      codec.open(reply->timestamp, reply->nonce, reply->msg_signature, reply->encrypt);
  REQUIRE(opened.has_value());
  const auto document = event::JsonDocument::parse(opened->message);
  REQUIRE(document);
  CHECK(document->root()["resultcode"].integer() == 0);
  CHECK(document->root()["ToUserName"].string() == "team");
  CHECK(document->root()["FromUserName"].string() == "gh_1");
  CHECK(reply->timestamp == "1700000000");
}

TEST_CASE_FIXTURE(Fixture, "answers of one second are encrypted once, and each is signed anew") {
  crypto::SystemRandom system_random;
  PushEndpoint endpoint(std::make_shared<AppTable>(settings, metrics), system_random, max_age);
  const Push push = Push().seal();
  const auto answer = [&] {
    return *event::read_sealed_reply(endpoint.accept(push.request(), clock.now).reply.body);
  };
  const auto first = answer();
  const auto second = answer();
  CHECK(second.encrypt == first.encrypt);
  CHECK(second.nonce != first.nonce);
  CHECK(second.msg_signature ==
        crypto::message_signature("token", second.timestamp, second.nonce, second.encrypt));
  clock.now += std::chrono::seconds(1);
  CHECK(answer().encrypt != first.encrypt);
}

TEST_CASE_FIXTURE(Fixture, "no answer is encrypted for another push's key or sender") {
  settings[0].keys.push_back(key("new", "token2", other_aes_key));
  PushEndpoint endpoint(std::make_shared<AppTable>(settings, metrics), random, max_age);
  Push with_new_key;
  with_new_key.token = "token2";
  with_new_key.aes = other_aes_key;
  Push of_another;
  of_another.message.replace(of_another.message.find("team"), 4, "else");
  for (Push* push : {&with_new_key, &of_another}) {
    const auto action = endpoint.accept(Push().seal().request(), clock.now);
    const auto usual = *event::read_sealed_reply(action.reply.body);
    const auto other = endpoint.accept(push->seal().request(), clock.now);
    const auto reply = *event::read_sealed_reply(other.reply.body);
    CHECK(reply.encrypt != usual.encrypt);
    const auto made = crypto::PushKey::make("k", push->token, push->aes);
    const auto plain = crypto::decrypt(*made, reply.encrypt);
    REQUIRE(plain.has_value());
    const auto sender = push == &of_another ? "else" : "team";
    CHECK(event::JsonDocument::parse(plain->message)->root()["ToUserName"].string() == sender);
  }
}

TEST_CASE_FIXTURE(Fixture, "how an event is answered can be set per app and per event") {
  settings[0].reply = config::Reply::success;
  CHECK(accept(Push{}.seal()).reply.body == "success");
  settings[0].reply_for["update_waybill_status"] = config::Reply::empty;
  CHECK(accept(Push{}.seal()).reply.body.empty());
  Push other;
  other.message = R"({"MsgType":"event","Event":"debug_demo"})";
  CHECK(accept(other.seal()).reply.body == "success");
}

TEST_CASE_FIXTURE(Fixture, "what is authentic is stored, readable or not") {
  for (const std::string message :
       {"{broken", "", "\xEF\xBB\xBF{}", "<xml><a/></xml>", "{\"Event\":\"never_seen\"}"}) {
    CAPTURE(message);
    Push push;
    push.message = message;
    const auto action = accept(push.seal());
    REQUIRE(action.append);
    CHECK(action.append->body == message);
    CHECK(action.reply.body == "success");
  }
}

TEST_CASE_FIXTURE(Fixture, "an XML envelope is taken if it proves itself") {
  Push push;
  push.format = event::Format::xml;
  push.message = "<xml><MsgType>event</MsgType></xml>";
  const auto action = accept(push.seal());
  REQUIRE(action.append);
  CHECK(action.append->kind == event::ContentKind::xml);
  CHECK(action.reply.body == "success");
}

TEST_CASE_FIXTURE(Fixture, "every kind of failed proof gets the same bytes") {
  Push wrong_token;
  wrong_token.token = "other";
  check_refused(accept(wrong_token.seal()), Cause::bad_signature);

  Push wrong_key;
  wrong_key.aes = other_aes_key;
  check_refused(accept(wrong_key.seal()), Cause::not_opened);

  Push foreign;
  foreign.receive_id = "wxcafe";
  check_refused(accept(foreign.seal()), Cause::foreign_appid);

  Push other_path;
  other_path.seal().path = "/wx/cafe";
  check_refused(accept(other_path), Cause::foreign_appid);

  Push plain;
  plain.seal().body = R"({"ToUserName":"gh_1","Event":"update_waybill_status"})";
  check_refused(accept(plain), Cause::plaintext);

  Push three_strings;
  three_strings.seal().query = "timestamp=1700000000&nonce=n1&signature=" +
                               crypto::handshake_signature("token", "1700000000", "n1");
  check_refused(accept(three_strings), Cause::no_signature);

  Push garbage;
  garbage.seal().body = "\x01\x02";
  check_refused(accept(garbage), Cause::bad_signature);
}

TEST_CASE_FIXTURE(Fixture, "each bit of the ciphertext is covered by the signature") {
  const auto good = Push{}.seal();
  const auto encrypted = good.body.find("\"Encrypt\":\"") + 11;
  for (std::size_t i = 0; i < 64; ++i) {
    auto tampered = good;
    auto& c = tampered.body[encrypted + i];
    c = c == 'A' ? 'B' : 'A';
    if (tampered.body == good.body) continue;
    check_refused(accept(tampered), Cause::bad_signature);
  }
}

TEST_CASE_FIXTURE(Fixture, "any key of an app may match, and which one is told") {
  settings[0].keys.insert(settings[0].keys.begin(), key("new", "new-token", other_aes_key));
  CHECK(accept(Push{}.seal()).report->key == 1);
  Push fresh;
  fresh.token = "new-token";
  fresh.aes = other_aes_key;
  CHECK(accept(fresh.seal()).report->key == 0);
}

TEST_CASE_FIXTURE(
    Fixture, "what a known token signed but no key opens is quarantined, and refused like all") {
  Push push;
  push.aes = other_aes_key;
  auto action = accept(push.seal());
  REQUIRE(action.quarantine);
  CHECK(action.report->verdict == Verdict::quarantined);
  CHECK(action.quarantine->app == "shop");
  CHECK(action.quarantine->ring == queue::QuarantineRing::unopened);
  check_refused(action, Cause::not_opened);

  settings[0].quarantine = config::Quarantine::off;
  action = accept(push);
  CHECK_FALSE(action.quarantine);
  CHECK(action.report->verdict == Verdict::forbidden);
}

TEST_CASE_FIXTURE(Fixture,
                  "what is sealed for another appid is kept likewise, for ours may be wrong") {
  Push push;
  push.receive_id = "wxcafe";
  auto action = accept(push.seal());
  REQUIRE(action.quarantine);
  CHECK(action.quarantine->ring == queue::QuarantineRing::unopened);
  CHECK(action.report->verdict == Verdict::quarantined);
  check_refused(action, Cause::foreign_appid);
  settings[0].quarantine = config::Quarantine::off;
  CHECK_FALSE(accept(push).quarantine);
}

TEST_CASE_FIXTURE(Fixture, "pushes whose signature fails are kept only where that is asked for") {
  Push push;
  push.token = "other";
  CHECK_FALSE(accept(push.seal()).quarantine);
  settings[0].quarantine = config::Quarantine::all;
  const auto action = accept(push);
  REQUIRE(action.quarantine);
  CHECK(action.quarantine->ring == queue::QuarantineRing::unsigned_push);
  CHECK(action.report->verdict == Verdict::forbidden);
}

TEST_CASE_FIXTURE(Fixture, "the official handshake answers with echostr as it came") {
  settings[0].keys = {key("default", "AAAAA", aes_key)};
  const std::string query =
      "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&echostr=4375120948345356249&timestamp="
      "1714036504&nonce=1514711492";
  const auto action = accept(Request{Method::get, "/wx/shop", query, {}, {}});
  CHECK(action.reply.status == 200);
  CHECK(action.reply.body == "4375120948345356249");
  CHECK(action.report->verdict == Verdict::handshake);
  CHECK_FALSE(action.append);

  check_refused(accept(Request{Method::get, "/wx/cafe", query, {}, {}}), Cause::bad_signature);
  check_refused(accept(Request{Method::get, "/wx/shop", "echostr=1", {}, {}}), Cause::no_signature);
}

TEST_CASE_FIXTURE(Fixture, "paths and methods that we do not serve") {
  CHECK(accept(Request{Method::post, "/wx/none", {}, {}, {}}).reply.status == 404);
  CHECK(accept(Request{Method::post, "/", {}, {}, {}}).reply.status == 404);
  const auto action = accept(Request{Method::other, "/wx/shop", {}, {}, {}});
  CHECK(action.reply.status == 405);
  CHECK(action.reply.allow == "GET, POST");
  auto push = Push{}.seal();
  push.path = "/wx/shop/";
  CHECK(accept(push).append);
}

TEST_CASE_FIXTURE(Fixture, "the age of a push is measured, and bounded only where a bound is set") {
  Push old;
  old.timestamp = "1699990000";
  CHECK(accept(old.seal()).report->age_seconds == 10000);
  max_age = std::chrono::seconds(300);
  check_refused(accept(old), Cause::expired);
  CHECK(accept(Push{}.seal()).append);
  Push odd;
  odd.timestamp = "99999999999999999999";
  check_refused(accept(odd.seal()), Cause::expired);
}

TEST_CASE_FIXTURE(Fixture, "times beyond all calendars are no times") {
  Push push;
  push.message =
      R"({"MsgType":"event","Event":"x","FromUserName":"f","CreateTime":9223372036854775807})";
  const auto action = accept(push.seal());
  REQUIRE(action.append);
  CHECK_FALSE(action.append->event_time);
}

TEST_CASE_FIXTURE(Fixture, "a reload replaces apps and keys at once, for requests from then on") {
  PushEndpoint endpoint(std::make_shared<AppTable>(settings, metrics), random, max_age);
  const Push push = Push().seal();
  CHECK(endpoint.accept(push.request(), clock.now).append);
  endpoint.replace(std::make_shared<AppTable>(std::vector{app("cafe", "wxcafe")}, metrics));
  CHECK(endpoint.accept(push.request(), clock.now).reply.status == 404);
  endpoint.replace(std::make_shared<AppTable>(settings, metrics));
  CHECK(endpoint.accept(push.request(), clock.now).append);
}

TEST_CASE_FIXTURE(Fixture, "a push that a route names is forwarded as it came, and not stored") {
  settings[0].routes = {route({"message.*"}, "http://sdk/")};
  Push push;
  push.message = R"({"MsgType":"text","FromUserName":"f","CreateTime":1700000000,"Content":"hi"})";
  push.seal();
  const auto action = accept(push);
  CHECK(target_of(action) == "http://sdk/");
  REQUIRE(action.forward);
  CHECK(action.forward->request.query == push.query);
  CHECK(action.forward->request.body == push.body);
  CHECK(action.forward->request.content_type == "application/json; charset=utf-8");
  CHECK(action.forward->request.forwarded_for == "9.9.9.9");
  CHECK_FALSE(action.append);
  CHECK(action.reply.status == 503);  // until there is an answer
  CHECK(action.report->verdict == Verdict::forwarded);
  CHECK(action.report->type == "message.text");
  CHECK(action.report->event_id == event::make_event_id("wxshop", push.message));

  const auto other = accept(Push{}.seal());
  CHECK_FALSE(other.forward);
  CHECK(other.append);
  CHECK(other.report->verdict == Verdict::accepted);
}

TEST_CASE_FIXTURE(Fixture, "the first route that matches counts, and store = true also keeps") {
  settings[0].routes = {route({"transport_*", "Update_Waybill_Status"}, "http://a/", true),
                        route({"*"}, "http://b/")};
  const auto first = accept(Push{}.seal());
  CHECK(target_of(first) == "http://a/");
  REQUIRE(first.append);
  CHECK(first.append->body == waybill);
  CHECK(first.append->event_id == event::make_event_id("wxshop", waybill));

  Push other;
  other.message = R"({"MsgType":"event","Event":"debug_demo"})";
  const auto second = accept(other.seal());
  CHECK(target_of(second) == "http://b/");
  CHECK_FALSE(second.append);
}

TEST_CASE_FIXTURE(Fixture, "what no type can be read from goes only where everything goes") {
  settings[0].routes = {route({"message.*", "debug_demo"}, "http://a/")};
  for (const std::string message : {"{broken", "", "<xml><Event>debug_demo</Event></xml>"}) {
    CAPTURE(message);
    Push push;
    push.message = message;
    settings[0].routes.resize(1);
    CHECK_FALSE(accept(push.seal()).forward);
    settings[0].routes.push_back(route({"*"}, "http://b/"));
    CHECK(target_of(accept(push)) == "http://b/");
  }
}

TEST_CASE_FIXTURE(Fixture, "what is not proved reaches no route, and the handshake is ours") {
  settings[0].routes = {route({"*"}, "http://a/", true)};
  Push forged;
  forged.token = "other";
  check_refused(accept(forged.seal()), Cause::bad_signature);
  Push unopened;
  unopened.aes = other_aes_key;
  check_refused(accept(unopened.seal()), Cause::not_opened);
  Push foreign;
  foreign.receive_id = "wxcafe";
  check_refused(accept(foreign.seal()), Cause::foreign_appid);
  Push plain;
  plain.seal().body = R"({"ToUserName":"gh_1","Event":"update_waybill_status"})";
  check_refused(accept(plain), Cause::plaintext);
  const std::string query = "signature=" + crypto::handshake_signature("token", "1", "2") +
                            "&timestamp=1&nonce=2&echostr=e";
  const auto handshake = accept(Request{Method::get, "/wx/shop", query, {}, {}});
  CHECK(handshake.reply.body == "e");
  CHECK_FALSE(handshake.forward);
}
