#include "server/cli/pushing.h"

#include "crypto/wechat/signature.h"
#include "handlers/event/envelope.h"
#include "handlers/event/json.h"
#include "handlers/event/message.h"
#include "server/cli/command.h"

#include <CLI/CLI.hpp>

#include <array>

namespace wxpush::cli {
namespace {

Url derived_url(const config::Settings& settings) {
  const config::ListenAddress& address = settings.server.listen.front();
  Url url;
  if (const auto* local = std::get_if<config::UnixAddress>(&address)) {
    url.scheme = Scheme::unix_socket;
    url.port = 0;
    url.socket = local->path.string();
    return url;
  }
  const auto& tcp = std::get<config::TcpAddress>(address);
  if (tcp.port == 0) {
    throw CommandError(exit_usage,
                       "server.listen leaves the port to chance: name the URL with --url");
  }
  url.scheme = settings.server.tls ? Scheme::https : Scheme::http;
  url.host = tcp.host == "0.0.0.0" ? "127.0.0.1" : tcp.host == "::" ? "::1" : tcp.host;
  url.port = tcp.port;
  return url;
}

Judgement judge_sealed(const crypto::PushCodec& codec, const event::SealedReply& reply) {
  const auto opened = codec.open(reply.timestamp, reply.nonce, reply.msg_signature, reply.encrypt);
  if (!opened) return {false, "the reply is sealed, but: " + opened.error().message()};
  const auto document = event::JsonDocument::parse(opened->message);
  if (!document) return {false, "the reply opens, but holds no JSON"};
  const event::JsonValue root = document->root();
  const auto result = root["resultcode"].integer();
  const std::string type(root["Event"].string().value_or("?"));
  if (!result) return {false, "the reply opens, but has no resultcode"};
  return {true, "reply sealed and signed: " + type + ", resultcode " + std::to_string(*result)};
}

}  // namespace

void add_target(CLI::App& command, TargetOptions& options) {
  command
      .add_option("--url", options.url,
                  "push there (without it: the first address of the settings)")
      ->type_name("URL");
  command.add_option("--ca-file", options.ca_file, "believe the authorities in this PEM file")
      ->type_name("FILE");
  command.add_flag("--insecure", options.insecure, "believe any certificate");
}

PushTarget push_target(const TargetOptions& options, const config::Settings& settings,
                       const config::App& app) {
  PushTarget target{{}, {options.ca_file, options.insecure}};
  if (options.url.empty()) {
    target.url = derived_url(settings);
    // A development certificate vouches for itself; one from an authority is not for 127.0.0.1.
    if (settings.server.tls && options.ca_file.empty()) {
      target.trust.ca_file = settings.server.tls->certificate.string();
    }
  } else {
    const auto url = parse_url(options.url);
    if (!url) {
      throw CommandError(exit_usage, "--url: not https://…, http://… or unix:/…: " + options.url);
    }
    target.url = *url;
  }
  if (target.url.path.empty() || target.url.path == "/") target.url.path = app.paths.front();
  return target;
}

crypto::PushCodec make_codec(const config::App& app) {
  std::vector<crypto::PushKey> keys;
  for (const config::Key& key : app.keys) {
    auto made = crypto::PushKey::make(key.name, key.token.reveal(), key.encoding_aes_key.reveal());
    if (!made) {
      throw CommandError(exit_configuration,
                         "app " + app.name + ", key " + key.name + ": " + made.error().message());
    }
    keys.push_back(std::move(*made));
  }
  return {app.appid, std::move(keys)};
}

PushStamp make_stamp(crypto::Random& random, std::int64_t now) {
  return {std::to_string(now), crypto::random_text(random, 10, "0123456789")};
}

PushNames names_in(const crypto::PushCodec& codec, std::string_view message) {
  event::Message read = event::read_message(codec.appid(), message);
  return {std::move(read.to_user_name), std::move(read.from_user_name)};
}

SealedPush seal_push(const crypto::PushCodec& codec, crypto::Random& random,
                     std::string_view message, const PushNames& names, const PushStamp& stamp) {
  const crypto::PushKey& key = codec.keys().front();
  std::array<std::uint8_t, 16> random16;
  random.fill(random16);
  const crypto::Sealed sealed = codec.seal(key, random16, message, stamp.timestamp, stamp.nonce);
  SealedPush push;
  push.query =
      "signature=" + crypto::handshake_signature(key.token(), stamp.timestamp, stamp.nonce) +
      "&timestamp=" + percent_encode(stamp.timestamp) + "&nonce=" + percent_encode(stamp.nonce) +
      "&openid=" + percent_encode(names.openid) +
      "&encrypt_type=aes&msg_signature=" + sealed.msg_signature;
  push.body = event::write_envelope(event::Format::json, names.to_user_name, sealed.encrypt);
  return push;
}

std::string handshake_query(const crypto::PushCodec& codec, const PushStamp& stamp,
                            std::string_view echo) {
  const std::string& token = codec.keys().front().token();
  return "signature=" + crypto::handshake_signature(token, stamp.timestamp, stamp.nonce) +
         "&timestamp=" + stamp.timestamp + "&nonce=" + stamp.nonce +
         "&echostr=" + percent_encode(echo);
}

HttpRequest push_request(const PushTarget& target, const SealedPush& push) {
  HttpRequest request;
  request.method = "POST";
  request.url = target.url;
  // A query of the user's own stays in front, as WeChat leaves it.
  request.url.query += (request.url.query.empty() ? "" : "&") + push.query;
  request.content_type = "application/json";
  request.body = push.body;
  request.trust = target.trust;
  return request;
}

Judgement judge(const crypto::PushCodec& codec, const HttpAnswer& answer) {
  if (!answer.failure.empty()) return {false, answer.failure};
  if (answer.status != 200) return {false, "refused"};
  if (answer.body.empty()) return {true, "reply empty: content"};
  if (answer.body == "success") return {true, "reply success"};
  const auto sealed = event::read_sealed_reply(answer.body);
  if (!sealed) return {false, "200, but the body is nothing that WeChat knows"};
  return judge_sealed(codec, *sealed);
}

}  // namespace wxpush::cli
