#include "server/push_endpoint.h"

#include "crypto/wechat/signature.h"
#include "handlers/event/envelope.h"

#include <charconv>
#include <utility>

namespace wxpush::server {
namespace {

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Peers write any number where a time belongs: beyond these it is none, and arithmetic cannot
// overflow.
bool is_time(std::int64_t seconds) {
  constexpr std::int64_t year_10000 = 253402300800;
  return seconds >= 0 && seconds < year_10000;
}

std::optional<std::int64_t> age_of(std::string_view timestamp, WallTime now) {
  const auto sent = parse_integer(timestamp);
  if (!sent || !is_time(*sent)) return std::nullopt;
  return unix_seconds(now) - *sent;
}

Action refuse(PushReport report, Cause cause) {
  report.verdict = Verdict::forbidden;
  report.cause = cause;
  Action action;
  action.reply = refusal();
  action.report = std::move(report);
  return action;
}

Action answer(int status, std::string body, std::string_view allow = {}) {
  Action action;
  action.reply.status = status;
  action.reply.body = std::move(body);
  action.reply.allow = allow;
  action.report.emplace();
  return action;
}

queue::QuarantinedPush keep(const App& app, queue::QuarantineRing ring, WallTime now,
                            std::string timestamp, std::string nonce, std::string msg_signature,
                            std::string encrypt) {
  queue::QuarantinedPush push;
  push.ring = ring;
  push.app = app.name;
  push.received_at = now;
  push.timestamp = std::move(timestamp);
  push.nonce = std::move(nonce);
  push.msg_signature = std::move(msg_signature);
  push.encrypt = std::move(encrypt);
  return push;
}

// The push as it came: the service proves and opens it by itself.
Forward forward(const Route& route, const Request& request) {
  Forward forward;
  forward.target = route.target;
  forward.request.query = request.query;
  forward.request.body = request.body;
  forward.request.content_type = request.content_type;
  forward.request.forwarded_for = request.forwarded_for;
  return forward;
}

// What answers a message once it is durable.
Response reply_to(const App& app, const crypto::PushKey& key, const event::Message& message,
                  event::Format format, WallTime now, crypto::Random& random) {
  Response response;
  const auto mode = app.reply_to(message.type);
  if (mode == config::Reply::empty) return response;
  response.body = "success";
  if (mode == config::Reply::success) return response;
  const auto seconds = unix_seconds(now);
  const auto object = event::reply_object(message, seconds);
  if (!object) return response;
  const auto encrypted = app.replies->encrypt(key, *object, app.codec.appid(), random);
  const auto nonce = crypto::random_text(random, 10, "0123456789");
  const auto signature =
      crypto::message_signature(key.token(), std::to_string(seconds), nonce, encrypted);
  response.content_type = format == event::Format::json ? "application/json" : "text/xml";
  response.body = event::write_sealed_reply(format, encrypted, signature, seconds, nonce);
  return response;
}

}  // namespace

queue::NewEvent make_event(const App& app, event::Message message, std::string body, WallTime now) {
  queue::NewEvent event;
  event.event_id = event::make_event_id(app.codec.appid(), body);
  event.app = app.name;
  event.appid = app.codec.appid();
  event.type = std::move(message.type);
  event.order_key = std::move(message.order_key);
  event.kind = message.kind;
  event.received_at = now;
  if (message.event_time && is_time(*message.event_time))
    event.event_time = WallTime{std::chrono::seconds{*message.event_time}};
  event.body = std::move(body);
  return event;
}

PushEndpoint::PushEndpoint(std::shared_ptr<const AppTable> apps, crypto::Random& random,
                           std::chrono::seconds max_push_age)
    : apps_(std::move(apps)), random_(random), max_push_age_(max_push_age) {}

void PushEndpoint::replace(std::shared_ptr<const AppTable> apps) {
  apps_.set(std::move(apps));
}

Action PushEndpoint::accept(const Request& request, WallTime now) {
  const auto app = apps_.get()->find_by_path(request.path);
  if (app == nullptr) return answer(404, "not found\n");
  PushReport report;
  report.app = app;
  if (request.method == Method::get) return handshake(*app, request, std::move(report));
  if (request.method == Method::post) return push(*app, request, now, std::move(report));
  auto action = answer(405, "method not allowed\n", "GET, POST");
  action.report->app = app;
  return action;
}

Action PushEndpoint::handshake(const App& app, const Request& request, PushReport report) const {
  const auto signature = query_parameter(request.query, "signature");
  const auto timestamp = query_parameter(request.query, "timestamp");
  const auto nonce = query_parameter(request.query, "nonce");
  auto echo = query_parameter(request.query, "echostr");
  if (!signature || !timestamp || !nonce || !echo)
    return refuse(std::move(report), Cause::no_signature);
  const auto* key = app.codec.verify_handshake(*signature, *timestamp, *nonce);
  if (key == nullptr) return refuse(std::move(report), Cause::bad_signature);
  report.verdict = Verdict::handshake;
  report.key = static_cast<std::size_t>(key - app.codec.keys().data());
  Action action;
  action.reply.body = std::move(*echo);
  action.report = std::move(report);
  return action;
}

Action PushEndpoint::push(const App& app, const Request& request, WallTime now,
                          PushReport report) const {
  auto msg_signature = query_parameter(request.query, "msg_signature");
  auto timestamp = query_parameter(request.query, "timestamp");
  auto nonce = query_parameter(request.query, "nonce");
  auto envelope = event::read_envelope(request.body);
  if (envelope && envelope->encrypt.empty()) return refuse(std::move(report), Cause::plaintext);
  if (!msg_signature || !timestamp || !nonce) return refuse(std::move(report), Cause::no_signature);
  if (!envelope) return refuse(std::move(report), Cause::bad_signature);

  auto opened = app.codec.open(*timestamp, *nonce, *msg_signature, envelope->encrypt);
  if (!opened) {
    const auto cause = cause_of(opened.error());
    auto action = refuse(std::move(report), cause);
    // Also one that is sealed for another appid: if ours stands wrong in the settings, it is opened
    // when that is mended; and whoever can sign but not decrypt must not learn from the time that
    // an answer takes which of the two it was.
    const bool is_signed = cause != Cause::bad_signature;
    const bool unopened = is_signed && app.quarantine != config::Quarantine::off;
    const bool unsigned_push = !is_signed && app.quarantine == config::Quarantine::all;
    if (unopened || unsigned_push) {
      if (unopened) action.report->verdict = Verdict::quarantined;
      const auto ring =
          unopened ? queue::QuarantineRing::unopened : queue::QuarantineRing::unsigned_push;
      action.quarantine = keep(app, ring, now, std::move(*timestamp), std::move(*nonce),
                               std::move(*msg_signature), std::move(envelope->encrypt));
    }
    return action;
  }

  report.key = static_cast<std::size_t>(opened->matched - app.codec.keys().data());
  report.age_seconds = age_of(*timestamp, now);
  if (max_push_age_.count() > 0 &&
      (!report.age_seconds || std::abs(*report.age_seconds) > max_push_age_.count())) {
    return refuse(std::move(report), Cause::expired);
  }

  auto message = event::read_message_head(app.codec.appid(), opened->message);
  const auto* route = app.route_of(message.type);
  report.verdict = route == nullptr ? Verdict::accepted : Verdict::forwarded;
  report.type = message.type;
  report.order_key = message.order_key;
  Action action;
  if (route == nullptr) {
    action.reply = reply_to(app, *opened->matched, message, envelope->format, now, random_);
  } else {
    action.reply = try_again();  // until there is an answer
    action.forward = forward(*route, request);
  }
  auto event = make_event(app, std::move(message), std::move(opened->message), now);
  report.event_id = event.event_id;
  if (route == nullptr || route->store) {
    action.append = std::move(event);
    action.confirmed_by = app.ack_handler;
  }
  action.report = std::move(report);
  return action;
}

}  // namespace wxpush::server
