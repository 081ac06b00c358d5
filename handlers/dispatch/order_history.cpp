#include "handlers/dispatch/order_history.h"

#include "handlers/event/message.h"

#include <utility>

namespace wxpush::dispatch {

const std::vector<event::StatusRecord>& OrderHistory::before(const queue::StoredEvent& event) {
  auto& order = remembered(event.order_key);
  if (order.through >= event.id)
    order = Order{event.order_key, 0, {}};  // asked for an older one: begin again
  read_on(order, event.id - 1);
  return order.statuses;
}

OrderHistory::Order& OrderHistory::remembered(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    orders_.splice(orders_.begin(), orders_, found->second);
    return orders_.front();
  }
  if (orders_.size() == max_orders) {
    by_key_.erase(orders_.back().key);
    orders_.pop_back();
  }
  orders_.push_front(Order{key, 0, {}});
  by_key_.emplace(key, orders_.begin());
  return orders_.front();
}

void OrderHistory::read_on(Order& order, queue::RowId until) {
  if (until <= order.through) return;
  queue::EventFilter filter;
  filter.type = "update_waybill_status";  // no other has one
  filter.order_key = order.key;
  filter.after = order.through;
  filter.until = until;
  for (;;) {
    const auto page = reader_.events(filter);
    for (const auto& event : page.events) {
      auto read = event::read_message(event.appid, event.body);
      if (!read.waybill_status) continue;
      order.statuses.push_back(
          {event.id, std::move(read.business_key), std::move(*read.waybill_status)});
    }
    order.through = page.end ? until : page.next_after;  // also if the next page cannot be read
    if (page.end) break;
    filter.after = page.next_after;
  }
  if (order.statuses.size() > max_statuses) {
    order.statuses.erase(order.statuses.begin(), order.statuses.end() - max_statuses);
  }
}

}  // namespace wxpush::dispatch
