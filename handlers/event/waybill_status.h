#pragma once
// The delivery-status event of instant delivery, as a value, and the meaning of its codes.
// Sources: docs/protocol.md, "update_waybill_status", "order_status", "Error codes".

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wxpush::event {

struct Agent {  // the rider; personal data: never logged
  std::string name;
  std::string phone;
  std::optional<std::int64_t> reach_time;  // Unix seconds: expected arrival
  bool is_phone_encrypted = false;         // documented on the carrier's side only: optional
};

// Ids and texts are empty if absent; numbers may have come as JSON strings, ids as JSON numbers.
struct WaybillStatus {
  std::string shopid;
  std::string shop_order_id;
  std::string shop_no;
  std::string waybill_id;
  std::int64_t action_time = 0;  // Unix seconds, as sent; 0 if it was absent
  int order_status = 0;
  std::string action_msg;      // free text; may name people
  std::optional<Agent> agent;  // absent (or null, or {}) before a rider is assigned
};

enum class Phase { accept, pick_up, deliver, giving_back, any };

struct OrderStatus {
  int code;
  Phase phase;
  std::string_view english;
  std::string_view chinese;
  bool terminal;   // officially final; yet a carrier may continue after it
  bool delivered;  // the one success
};
std::span<const OrderStatus> order_statuses();   // in order of code
const OrderStatus* find_order_status(int code);  // null if unknown

struct DeliveryError {
  int code;
  std::string_view english;
  std::string_view chinese;  // empty where no official text was found
};
std::span<const DeliveryError> delivery_errors();
const DeliveryError* find_delivery_error(int code);

}  // namespace wxpush::event
