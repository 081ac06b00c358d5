#pragma once
// The event that we store ourselves when the push that should follow a status does not come
// (docs/events.md, "Silent orders").

#include "handlers/event/event_id.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::event {

inline constexpr std::string_view order_silent_type = "wxpush.order_silent";

struct OrderSilent {
  std::string shopid;
  std::string shop_order_id;
  std::string shop_no;
  std::string waybill_id;
  int order_status = 0;          // the last one that was told
  std::int64_t action_time = 0;  // of it, Unix seconds; 0 if it had none
  std::int64_t create_time = 0;  // Unix seconds: action_time, else when the status was received
  std::chrono::seconds after{};  // the limit that it passed
  EventId last_event_id;         // of the status
};

// The event's body. It holds no time of its making, so that the same silence has the same bytes,
// and with them the same event_id, whenever and however often it is noticed: stored once.
std::string write_order_silent(const OrderSilent& silence);

// nullopt if `body` is no such event.
std::optional<OrderSilent> read_order_silent(std::string_view body);

}  // namespace wxpush::event
