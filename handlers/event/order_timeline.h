#pragma once
// What became of an order, from its stored events: its deliveries, one for each waybill_id, and
// their steps. Advice: carriers skip states, deliver late, and go on after final ones
// (docs/events.md, "Orders"). Values only; nothing here is masked, that is for whoever prints.
//
//   std::vector<OrderEvent> events;  // read_order_event() of each stored event of the order
//   const OrderTimeline order = order_timeline(events);
//   if (order.open()) … order.latest().current().status.order_status …

#include "handlers/base/clock.h"
#include "handlers/event/event_id.h"
#include "handlers/event/waybill_status.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::event {

// A stored event that belongs to an order's story: a status, or the note that none followed.
struct OrderEvent {
  std::uint64_t id = 0;  // row id in the store
  EventId event_id;
  WallTime received_at{};
  std::string business_key;
  WaybillStatus status;  // of a note: what it says of the last status

  struct Silence {  // set: this is a note
    EventId last_event_id;
    std::chrono::seconds after{};
  };
  std::optional<Silence> silence;
};
// nullopt if the body is neither.
std::optional<OrderEvent> read_order_event(std::uint64_t id, const EventId& event_id,
                                           WallTime received_at, std::string_view appid,
                                           std::string_view body);

// No further push came within the limit after a step.
struct OrderSilence {
  std::uint64_t id = 0;  // of the stored event that tells of it
  EventId event_id;
  WallTime told_at{};
  std::chrono::seconds after{};
};

struct OrderStep {
  std::uint64_t id = 0;
  EventId event_id;
  WallTime received_at{};
  WaybillStatus status;  // the rider (status.agent) as sent
  bool stale = false;
  std::uint64_t repeat_of = 0;          // 0 = none
  std::optional<OrderSilence> silence;  // later ones may have followed all the same

  const OrderStatus* meaning() const { return find_order_status(status.order_status); }
  bool terminal() const { return meaning() != nullptr && meaning()->terminal; }
  // The carrier's time, else when it was received.
  WallTime at() const;
};

struct OrderDelivery {
  std::string waybill_id;
  std::vector<OrderStep> steps;   // in the order stored; at least one
  std::size_t current_index = 0;  // the furthest step

  const OrderStep& current() const { return steps[current_index]; }
};

struct OrderTimeline {
  std::vector<OrderDelivery> deliveries;  // in the order in which they appeared
  std::size_t events = 0;                 // statuses and notes
  std::size_t latest_index = 0;

  // The one that began last, which is what became of the order; one without a waybill_id only if it
  // is further on than those with one. Not of an empty timeline.
  const OrderDelivery& latest() const { return deliveries[latest_index]; }
  bool open() const { return !deliveries.empty() && !latest().current().terminal(); }
};

// `events`: of one order, in id order.
OrderTimeline order_timeline(const std::vector<OrderEvent>& events);

}  // namespace wxpush::event
