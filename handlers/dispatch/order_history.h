#pragma once
// The delivery statuses that an order had before a given event, for its marks. Remembers the orders
// it was asked for last, so that an order with many events is not read again for each of them. One
// thread's own.

#include "handlers/event/marks.h"
#include "handlers/queue/reader.h"

#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace wxpush::dispatch {

class OrderHistory {
 public:
  static constexpr std::size_t max_orders = 256;  // remembered
  static constexpr std::size_t max_statuses =
      256;  // of one order: the newest; no real order has as many

  // `reader` outlives it.
  explicit OrderHistory(queue::Reader& reader) : reader_(reader) {}

  // The order's statuses with a lower id than `event`'s, in id order; valid until the next call.
  // Reads the store.
  const std::vector<event::StatusRecord>& before(const queue::StoredEvent& event);

 private:
  struct Order {
    std::string key;
    queue::RowId through = 0;  // what was looked at
    std::vector<event::StatusRecord> statuses;
  };
  Order& remembered(const std::string& key);
  void read_on(Order& order, queue::RowId until);

  queue::Reader& reader_;
  std::list<Order> orders_;  // the one asked for last in front
  std::unordered_map<std::string, std::list<Order>::iterator> by_key_;
};

}  // namespace wxpush::dispatch
