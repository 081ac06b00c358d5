#pragma once
// Finding orders in the store, and what became of them. Reads page by page and holds nothing of the
// store between pages.

#include "handlers/event/order_timeline.h"
#include "handlers/queue/reader.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::server {

// Of one order the newest count; no real order has as many.
constexpr std::size_t most_order_events = 2000;

struct OrderView {
  std::string order_key;
  std::string app;
  std::string appid;
  event::OrderTimeline timeline;  // at least one delivery
};

// Whether the last part of its order key is `bare`, such as a shop_order_id.
bool has_bare_order(const queue::StoredEvent& event, const std::string& bare);

// Calls `show` for every order that has a delivery status, the one with the newest event first,
// until it answers false. Of `filter` count the app, and the time of an order's newest event.
void newest_orders(queue::Reader& reader, const queue::EventFilter& filter,
                   const std::function<bool(const OrderView&)>& show);

// `text`: a printed order key (with a '/'), or a shop_order_id, or a waybill_id: the orders that
// have it, newest first. `app`: its name; empty = all. The last two look at every stored status.
std::vector<OrderView> find_orders(queue::Reader& reader, const std::string& text,
                                   const std::string& app);

}  // namespace wxpush::server
