#include "handlers/event/keys.h"

#include "handlers/event/order_silent.h"
#include "handlers/event/text.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace wxpush::event {

namespace {

// The events of the logistics assistant that are about one waybill (docs/protocol.md, "Logistics
// assistant"); check_biz and get_quota are about none.
constexpr std::array<std::string_view, 12> kExpressTypes{
    "add_express_path",       "add_single_waybill",       "add_waybill",
    "cancel_single_waybill",  "cancel_waybill",           "notify_single_waybill_pay",
    "query_single_waybill",   "query_single_waybill_fee", "waybill_complaint",
    "waybill_evaluate_agent", "waybill_notify_query",     "waybill_query_expect_time_range",
};

constexpr bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_encoded(std::string& out, std::string_view part) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  while (!part.empty()) {
    const auto plain = std::find_if_not(part.begin(), part.end(), is_unreserved);
    out.append(part.begin(), plain);
    part.remove_prefix(static_cast<std::size_t>(plain - part.begin()));
    if (part.empty()) return;
    const auto byte = static_cast<unsigned char>(part.front());
    part.remove_prefix(1);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

std::string_view field(const JsonValue& message, std::string_view name) {
  return message[name].text().value_or(std::string_view{});
}

// The documents and the SDKs disagree about the case of these names (WayBillId, WaybillId).
std::string_view field_in_any_case(const JsonValue& message, std::string_view name) {
  for (const auto& [key, value] : message.members()) {
    if (equal_ignoring_case(key, name)) return value.text().value_or(std::string_view{});
  }
  return {};
}

std::string complete_key(std::span<const std::string_view> parts) {
  const bool complete = std::none_of(parts.begin(), parts.end(), [](auto p) { return p.empty(); });
  return complete ? join_key(parts) : std::string{};
}

}  // namespace

std::string join_key(std::span<const std::string_view> parts) {
  std::string key;
  key.reserve(std::accumulate(parts.begin(), parts.end(), parts.size(),
                              [](std::size_t sum, auto part) { return sum + part.size(); }));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) key += '/';
    append_encoded(key, parts[i]);
  }
  return key;
}

std::string order_key(std::string_view appid, std::string_view type, const JsonValue& message) {
  if (type == "update_waybill_status" || type.starts_with("transport_") ||
      type == order_silent_type) {
    return complete_key(
        std::array{appid, field(message, "shopid"), field(message, "shop_order_id")});
  }
  if (type.starts_with("trade_manage_")) {
    return complete_key(std::array{appid, field(message, "transaction_id")});
  }
  if (std::binary_search(kExpressTypes.begin(), kExpressTypes.end(), type)) {
    return complete_key(std::array{appid, field_in_any_case(message, "DeliveryID"),
                                   field_in_any_case(message, "WayBillId")});
  }
  return complete_key(std::array{appid, type, field(message, "FromUserName")});
}

std::string business_key(std::string_view appid, const WaybillStatus& status) {
  if (status.shopid.empty() || status.shop_order_id.empty() || status.action_time == 0) return {};
  const std::string code = std::to_string(status.order_status);
  const std::string time = std::to_string(status.action_time);
  return join_key(std::array<std::string_view, 6>{appid, status.shopid, status.shop_order_id,
                                                  status.waybill_id, code, time});
}

}  // namespace wxpush::event
