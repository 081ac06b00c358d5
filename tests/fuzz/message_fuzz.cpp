// What a proved push holds: authentic, yet nobody promised that it is well-formed.
#include "handlers/event/envelope.h"
#include "handlers/event/json.h"
#include "handlers/event/marks.h"
#include "handlers/event/message.h"
#include "tests/fuzz/target.h"

#include <algorithm>
#include <string>
#include <vector>

using namespace wxpush;

namespace {

// An order key names the app first, and then as many parts as its kind of event has: none of them
// can reach into its neighbour.
void check_order_key(const event::Message& message) {
  if (message.order_key.empty()) return;
  const auto slashes = std::count(message.order_key.begin(), message.order_key.end(), '/');
  fuzz::require(message.order_key.starts_with("wx1/") && (slashes == 1 || slashes == 2));
  fuzz::require(message.order_key.find_first_not_of(
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/") ==
                std::string::npos);
}

// What does not carry the order away with it: white space in front, and the app's own name.
void check_agreement(const event::Message& message, std::string_view body) {
  const auto indented = event::read_message("wx1", "\r\n\t " + std::string(body));
  fuzz::require(indented.order_key == message.order_key && indented.type == message.type);
  const auto elsewhere = event::read_message("wx2", body);
  fuzz::require(elsewhere.order_key.empty() == message.order_key.empty());
  fuzz::require(message.order_key.empty() ||
                elsewhere.order_key.substr(3) == message.order_key.substr(3));
}

void check_status(const event::WaybillStatus& status) {
  fuzz::require(status.order_status >= 0);
  const auto known = event::find_order_status(status.order_status);
  fuzz::require(known == nullptr || known->code == status.order_status);
  const auto progress = event::progress_of(status);
  fuzz::require(!event::further_on(progress, progress));
  const event::StatusRecord one{1, "k", status};
  fuzz::require(!event::marks_of(std::vector{one}, {2, "k", status}).stale);
  fuzz::require(event::marks_of(std::vector{one}, {2, "k", status}).repeat_of == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = fuzz::text_of(data, size);
  const event::Message message = event::read_message("wx1", body);
  check_order_key(message);
  check_agreement(message, body);
  if (message.waybill_status) check_status(*message.waybill_status);
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
