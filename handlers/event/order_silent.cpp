#include "handlers/event/order_silent.h"

#include "handlers/event/json.h"
#include "handlers/event/text.h"

#include <limits>

namespace wxpush::event {

std::string write_order_silent(const OrderSilent& silence) {
  JsonWriter json;
  json.begin_object();
  json.key("CreateTime").integer(silence.create_time);
  json.key("MsgType").string("event");
  json.key("Event").string(order_silent_type);
  json.key("shopid").string(silence.shopid);
  json.key("shop_order_id").string(silence.shop_order_id);
  json.key("shop_no").string(silence.shop_no);
  json.key("waybill_id").string(silence.waybill_id);
  json.key("order_status").integer(silence.order_status);
  json.key("action_time").integer(silence.action_time);
  json.key("silent_after_seconds").integer(silence.after.count());
  json.key("last_event_id").string(to_string(silence.last_event_id));
  json.end_object();
  return json.take();
}

std::optional<OrderSilent> read_order_silent(std::string_view body) {
  const auto document = JsonDocument::parse(body);
  if (!document) return std::nullopt;
  const JsonValue root = document->root();
  const auto text = [&](std::string_view name) {
    return std::string(root[name].text().value_or(std::string_view{}));
  };
  const auto code = root["order_status"].integer();
  const auto last = parse_event_id(text("last_event_id"));
  const bool is_code = code && *code >= 0 && *code <= std::numeric_limits<int>::max();
  if (!equal_ignoring_case(text("Event"), order_silent_type) || !is_code || !last) {
    return std::nullopt;
  }
  return OrderSilent{
      .shopid = text("shopid"),
      .shop_order_id = text("shop_order_id"),
      .shop_no = text("shop_no"),
      .waybill_id = text("waybill_id"),
      .order_status = static_cast<int>(*code),
      .action_time = root["action_time"].integer().value_or(0),
      .create_time = root["CreateTime"].integer().value_or(0),
      .after = std::chrono::seconds(root["silent_after_seconds"].integer().value_or(0)),
      .last_event_id = *last};
}

}  // namespace wxpush::event
