#include "handlers/sink/http_request.h"

#include "crypto/primitives/base64.h"
#include "crypto/primitives/hash.h"
#include "handlers/base/time_text.h"

#include <string_view>

namespace wxpush::sink {
namespace {

// As CloudEvents' HTTP binding (3.1.3.2) wants it: printable ASCII stays, but for '"' and '%'.
// Nothing that a peer of WeChat's chose can end a header.
std::string header_value(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string value;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && c != '"' && c != '%') {
      value += c;
    } else {
      value += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return value;
}

const char* content_type(event::ContentKind kind) {
  switch (kind) {
    case event::ContentKind::json:
      return "application/json";
    case event::ContentKind::xml:
      return "text/xml";
    case event::ContentKind::opaque:
      break;
  }
  return "application/octet-stream";
}

std::string signatures(const std::vector<std::string>& secrets, const std::string& id,
                       const std::string& timestamp, const std::string& body) {
  std::string all;
  for (const auto& secret : secrets) {
    const auto digest = crypto::hmac_sha256(secret, {id, ".", timestamp, ".", body});
    if (!all.empty()) all += ' ';
    all += "v1," +
           crypto::base64_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }
  return all;
}

// Orders that `wxpush trigger` and `bench` make up are named so.
bool is_test(const Delivery& delivery) {
  const auto& status = delivery.message.waybill_status;
  return status && status->shop_order_id.starts_with("wxpush-test-");
}

}  // namespace

Headers http_headers(const Delivery& delivery, const std::vector<std::string>& secrets,
                     WallTime now) {
  const auto& stored = delivery.stored;
  const auto id = event::to_string(stored.event_id);
  const auto timestamp =
      std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  Headers headers{
      {"content-type", content_type(stored.kind)},
      {"ce-specversion", "1.0"},
      {"ce-id", id},
      {"ce-source", "/wx/" + header_value(stored.appid)},
      {"ce-type", "com.weixin." + header_value(stored.type.empty() ? "unreadable" : stored.type)},
      {"ce-time", to_rfc3339(stored.event_time.value_or(stored.received_at))},
      {"webhook-id", id},
      {"webhook-timestamp", timestamp},
      {"wxpush-app", stored.app},
      {"wxpush-attempt", std::to_string(delivery.attempt)},
  };
  if (!stored.order_key.empty()) headers.emplace_back("ce-subject", header_value(stored.order_key));
  if (!secrets.empty())
    headers.emplace_back("webhook-signature", signatures(secrets, id, timestamp, stored.body));
  if (delivery.marks.stale) headers.emplace_back("wxpush-stale", "1");
  if (delivery.marks.repeat_of != 0)
    headers.emplace_back("wxpush-repeat-of", std::to_string(delivery.marks.repeat_of));
  if (delivery.replay > 0) headers.emplace_back("wxpush-replay", std::to_string(delivery.replay));
  if (is_test(delivery)) headers.emplace_back("wxpush-test", "1");
  return headers;
}

}  // namespace wxpush::sink
