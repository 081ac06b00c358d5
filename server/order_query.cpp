#include "server/order_query.h"

#include "handlers/base/url.h"
#include "handlers/event/message.h"
#include "handlers/event/order_silent.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace wxpush::server {
namespace {

using queue::RowId;

// About as many as a store holds outside its index by order: what lies below a stretch is found
// without looking at rows of other orders.
constexpr RowId stretch_rows = RowId{1} << 17;

bool is_of_an_order(const queue::StoredEvent& event) {
  return !event.order_key.empty() &&
         (event.type == "update_waybill_status" || event.type == event::order_silent_type);
}

void for_each_event(queue::Reader& reader, queue::EventFilter filter,
                    const std::function<void(const queue::StoredEvent&)>& see) {
  for (;;) {
    const auto page = reader.events(filter);
    for (const auto& event : page.events) see(event);
    if (page.end) return;
    filter.after = std::max(filter.after, page.next_after);
  }
}

// From the newest event to the oldest, a stretch of ids after the other.
class Stretches {
 public:
  explicit Stretches(queue::Reader& reader)
      : reader_(reader), first_(reader.figures().first_id), after_(reader.last_id()) {}
  // The next older one, its events in id order; false: there is none.
  bool next(queue::EventFilter filter, const std::function<void(const queue::StoredEvent&)>& see) {
    if (after_ == 0 || after_ < first_) return false;
    filter.until = after_;
    after_ = after_ > stretch_rows ? after_ - stretch_rows : 0;
    filter.after = after_;
    for_each_event(reader_, filter, see);
    return true;
  }
  RowId after() const { return after_; }  // all above was seen

 private:
  queue::Reader& reader_;
  RowId first_, after_;
};

// What a stretch holds of an order.
struct Part {
  std::vector<RowId> ids;
  WallTime newest{};
};
using Parts = std::unordered_map<std::string, Part>;

std::vector<const Parts::value_type*> newest_first(const Parts& parts) {
  std::vector<const Parts::value_type*> sorted;
  sorted.reserve(parts.size());
  for (const auto& part : parts) sorted.push_back(&part);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return a->second.ids.back() > b->second.ids.back();
  });
  return sorted;
}

// Gathers an order's events, in id order.
class Gathering {
 public:
  void add(const queue::StoredEvent& stored) {
    app_ = stored.app;
    appid_ = stored.appid;
    auto event = event::read_order_event(stored.id, stored.event_id, stored.received_at,
                                         stored.appid, stored.body);
    if (event) events_.push_back(std::move(*event));
    if (events_.size() > 2 * most_order_events) forget_oldest();
  }
  std::optional<OrderView> take(const std::string& order_key) {
    forget_oldest();
    OrderView view{order_key, app_, appid_, event::order_timeline(events_)};
    if (view.timeline.deliveries.empty()) return std::nullopt;
    return view;
  }

 private:
  void forget_oldest() {
    if (events_.size() <= most_order_events) return;
    events_.erase(events_.begin(), events_.end() - most_order_events);
  }
  std::vector<event::OrderEvent> events_;
  std::string app_, appid_;
};

// The whole order: what lies in the stretch, and what the index finds below it.
std::optional<OrderView> gather(queue::Reader& reader, const queue::EventFilter& filter,
                                const std::string& order_key, const Part& part, RowId below) {
  Gathering gathering;
  if (below > 0) {
    queue::EventFilter older;
    older.app = filter.app;
    older.order_key = order_key;
    older.until = below;
    for_each_event(reader, older, [&](const auto& event) { gathering.add(event); });
  }
  for (const RowId id : part.ids) {
    if (const auto event = reader.find(id)) gathering.add(*event);  // may be erased meanwhile
  }
  return gathering.take(order_key);
}

std::optional<OrderView> load_order(queue::Reader& reader, const std::string& order_key,
                                    const std::string& app) {
  queue::EventFilter filter;
  filter.app = app;
  filter.order_key = order_key;
  Gathering gathering;
  for_each_event(reader, filter, [&](const auto& event) { gathering.add(event); });
  return gathering.take(order_key);
}

// Parsing is what costs, so the text is looked for first.
bool has_waybill(const queue::StoredEvent& event, const std::string& waybill_id) {
  if (event.body.find(waybill_id) == std::string::npos) return false;
  const auto message = event::read_message(event.appid, event.body);
  return message.waybill_status && message.waybill_status->waybill_id == waybill_id;
}

std::vector<std::string> keys_with(queue::Reader& reader, const std::string& text,
                                   const std::string& app) {
  queue::EventFilter filter;
  filter.app = app;
  filter.type = "update_waybill_status";
  std::vector<std::string> keys;
  std::unordered_set<std::string> known;
  for (Stretches stretches(reader);;) {
    std::vector<std::string> found;
    const auto see = [&](const queue::StoredEvent& event) {
      if (event.order_key.empty() || known.contains(event.order_key)) return;
      if (!has_bare_order(event, text) && !has_waybill(event, text)) return;
      known.insert(event.order_key);
      found.push_back(event.order_key);
    };
    if (!stretches.next(filter, see)) return keys;
    keys.insert(keys.end(), found.rbegin(), found.rend());
  }
}

}  // namespace

bool has_bare_order(const queue::StoredEvent& event, const std::string& bare) {
  if (event.order_key.empty()) return event::to_string(event.event_id) == bare;
  const std::size_t slash = event.order_key.rfind('/');
  const std::string last = event.order_key.substr(slash == std::string::npos ? 0 : slash + 1);
  return last == bare || percent_decode(last) == bare;
}

void newest_orders(queue::Reader& reader, const queue::EventFilter& filter,
                   const std::function<bool(const OrderView&)>& show) {
  queue::EventFilter all;
  all.app = filter.app;
  std::unordered_set<std::size_t> seen;  // hashes of order keys: of newer stretches
  for (Stretches stretches(reader);;) {
    Parts parts;
    const bool more = stretches.next(all, [&](const queue::StoredEvent& event) {
      if (!is_of_an_order(event)) return;
      Part& part = parts[event.order_key];
      part.ids.push_back(event.id);
      part.newest = event.received_at;
    });
    if (!more) return;
    for (const auto* found : newest_first(parts)) {
      const auto& [order_key, part] = *found;
      if (!seen.insert(std::hash<std::string>{}(order_key)).second) continue;
      if (filter.since && part.newest < *filter.since) continue;
      if (filter.before && part.newest >= *filter.before) continue;
      const auto view = gather(reader, filter, order_key, part, stretches.after());
      if (view && !show(*view)) return;
    }
  }
}

std::vector<OrderView> find_orders(queue::Reader& reader, const std::string& text,
                                   const std::string& app) {
  if (text.empty()) return {};
  const bool is_key = text.find('/') != std::string::npos;
  std::vector<OrderView> orders;
  for (const auto& key : is_key ? std::vector{text} : keys_with(reader, text, app)) {
    if (auto order = load_order(reader, key, app)) orders.push_back(std::move(*order));
  }
  return orders;
}

}  // namespace wxpush::server
