// What a proved push holds: authentic, yet nobody promised that it is well-formed.
#include "handlers/event/envelope.h"
#include "handlers/event/json.h"
#include "handlers/event/message.h"
#include "tests/fuzz/target.h"

using namespace wxpush;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = fuzz::text_of(data, size);
  const event::Message message = event::read_message("wx1", body);
  fuzz::require(message.order_key.empty() || message.order_key.starts_with("wx1/"));
  fuzz::require(message.business_key.empty() || message.waybill_status.has_value());
  fuzz::require(message.kind == event::ContentKind::json || message.type.empty());
  fuzz::require(event::matches_type(message.type, message.type));

  const std::string masked = event::mask_personal(body);
  const auto document = event::JsonDocument::parse(masked);
  fuzz::require(document.has_value() == (message.kind == event::ContentKind::json));
  fuzz::require(!document || event::mask_personal(masked) == masked);

  const auto reply = event::reply_object(message, 1700000000);
  fuzz::require(reply.has_value() == (message.type == "update_waybill_status"));
  fuzz::require(!reply || event::JsonDocument::parse(*reply)->root()["resultcode"].integer() == 0);
  return 0;
}
