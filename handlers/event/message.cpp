#include "handlers/event/message.h"

#include "handlers/event/json.h"
#include "handlers/event/keys.h"
#include "handlers/event/text.h"
#include "handlers/event/unix_time.h"

#include <limits>

namespace wxpush::event {

namespace {

std::string text_of(const JsonValue& value) {
  return std::string(value.text().value_or(std::string_view{}));
}

std::optional<std::int64_t> unix_seconds(const JsonValue& value) {
  const auto seconds = value.integer();
  return seconds && is_unix_seconds(*seconds) ? seconds : std::nullopt;
}

bool is_true(const JsonValue& value) {
  if (const auto flag = value.boolean()) return *flag;
  const auto text = value.text();
  return text && (*text == "1" || equal_ignoring_case(*text, "true"));
}

// Before a rider is assigned there is no agent; senders also write null, {} or "".
std::optional<Agent> read_agent(const JsonValue& value) {
  if (value.members().empty()) return std::nullopt;
  return Agent{.name = text_of(value["name"]),
               .phone = text_of(value["phone"]),
               .reach_time = unix_seconds(value["reach_time"]),
               .is_phone_encrypted = is_true(value["is_phone_encrypted"])};
}

std::optional<WaybillStatus> read_waybill_status(const JsonValue& root) {
  const auto code = root["order_status"].integer();
  if (!code || *code < 0 || *code > std::numeric_limits<int>::max()) return std::nullopt;
  return WaybillStatus{.shopid = text_of(root["shopid"]),
                       .shop_order_id = text_of(root["shop_order_id"]),
                       .shop_no = text_of(root["shop_no"]),
                       .waybill_id = text_of(root["waybill_id"]),
                       .action_time = root["action_time"].integer().value_or(0),
                       .order_status = static_cast<int>(*code),
                       .action_msg = text_of(root["action_msg"]),
                       .agent = read_agent(root["agent"])};
}

std::string read_type(const JsonValue& root) {
  if (const auto event = root["Event"].string(); event && !event->empty()) {
    return ascii_lower(*event);
  }
  if (const auto kind = root["MsgType"].string(); kind && !kind->empty()) {
    return "message." + ascii_lower(*kind);
  }
  return ascii_lower(root["InfoType"].string().value_or(std::string_view{}));
}

Message read(std::string_view appid, std::string_view body, bool whole) {
  Message message;
  const std::string_view content = skip_leading(body);
  if (content.starts_with('<')) message.kind = ContentKind::xml;
  if (!content.starts_with('{')) return message;
  const auto document = JsonDocument::parse_torn(content);
  if (!document) return message;

  const JsonValue root = document->root();
  message.kind = ContentKind::json;
  message.type = read_type(root);
  message.to_user_name = text_of(root["ToUserName"]);
  message.from_user_name = text_of(root["FromUserName"]);
  message.create_time = unix_seconds(root["CreateTime"]);
  message.event_time = message.create_time;
  message.order_key = order_key(appid, message.type, root);
  if (message.type != "update_waybill_status") return message;

  if (const auto action_time = unix_seconds(root["action_time"])) message.event_time = action_time;
  if (!whole) return message;
  message.waybill_status = read_waybill_status(root);
  if (message.waybill_status) message.business_key = business_key(appid, *message.waybill_status);
  return message;
}

}  // namespace

Message read_message(std::string_view appid, std::string_view body) {
  return read(appid, body, true);
}

Message read_message_head(std::string_view appid, std::string_view body) {
  return read(appid, body, false);
}

}  // namespace wxpush::event
