#pragma once
// What became of an order, from its stored events: Receiver::orders(). Plain values: copy them,
// keep them, hand them to other threads.
//
//   for (const wxpush::OrderTimeline& order : receiver.orders("A17")) {
//     const wxpush::OrderStep& last = order.latest().current();
//     if (order.open() && last.silence) ask_carrier(last.status.waybill_id);
//   }
//
// Advice, not a state machine: carriers skip states, deliver late, and go on after final ones.

#include <wxpush/event.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wxpush {

// No further push came within the limit after a step ([orders] silent_after).
struct OrderSilence {
  std::uint64_t id = 0;  // of the stored event that tells of it
  std::string event_id;
  Time told_at{};
  std::chrono::seconds after{};  // the limit
};

// One stored status of a delivery.
struct OrderStep {
  std::uint64_t id = 0;  // of its event
  std::string event_id;
  Time received_at{};
  WaybillStatus status;                 // action_time, order_status, the rider (status.agent) …
  bool stale = false;                   // an earlier stored step is further on: this came late
  std::uint64_t repeat_of = 0;          // id of the first that said the same; 0 = none
  std::optional<OrderSilence> silence;  // later ones may have followed all the same

  const OrderStatus* meaning() const { return find_order_status(status.order_status); }
  bool terminal() const { return meaning() != nullptr && meaning()->terminal; }
};

// One attempt to deliver an order: it has a waybill of its own.
struct OrderDelivery {
  std::string waybill_id;         // empty: before it was given one
  std::vector<OrderStep> steps;   // in the order stored; at least one
  std::size_t current_index = 0;  // the furthest step

  const OrderStep& current() const { return steps[current_index]; }
};

struct OrderTimeline {
  std::string order_key;
  std::string app;                        // the app's name in the settings
  std::string appid;                      // as in WeChat's console
  std::vector<OrderDelivery> deliveries;  // in the order in which they appeared; at least one
  std::size_t latest_index = 0;           // the one that began last

  const OrderDelivery& latest() const { return deliveries[latest_index]; }
  // What became of the order is not final yet.
  bool open() const { return !latest().current().terminal(); }
};

}  // namespace wxpush
