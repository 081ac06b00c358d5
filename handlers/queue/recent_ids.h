#pragma once
// The newest event ids, whole and in memory: the first place where a push is looked up. Everything
// in it can be rebuilt from the rows that are not filed yet. Owned by the writer thread.

#include "handlers/queue/event_record.h"
#include "handlers/queue/hashes.h"
#include "handlers/queue/recent_orders.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace wxpush::queue {

struct RecentId {
  RowId id = 0;
  event::EventId event_id{};
  ShortHash order = 0;  // 0 = unordered
  std::int64_t received_at = 0;
};

class RecentIds {
 public:
  explicit RecentIds(std::size_t expected) { rows_.reserve(expected); }

  // In rising order of id.
  void add(const RecentId& recent) {
    if (!rows_.emplace(recent.event_id, recent.id).second) return;
    in_order_.push_back(recent);
    if (recent.order != 0) orders_->add(recent.order, recent.id);
  }
  std::optional<RowId> find(const event::EventId& event_id) const {
    const auto found = rows_.find(event_id);
    if (found == rows_.end()) return std::nullopt;
    return found->second;
  }
  // One that is known no longer, because its retention is over.
  void forget(const event::EventId& event_id, RowId id) {
    const auto found = rows_.find(event_id);
    if (found == rows_.end() || found->second != id) return;
    rows_.erase(found);
    if (in_order_.size() > 2 * rows_.size() + slack) compact();
  }
  // The oldest `count`, as far as they are still known.
  std::vector<RecentId> oldest(std::size_t count) const {
    std::vector<RecentId> found;
    found.reserve(std::min(count, in_order_.size()));
    for (const RecentId& recent : in_order_) {
      if (found.size() == count) break;
      if (holds(recent)) found.push_back(recent);
    }
    return found;
  }
  // They are filed now.
  void drop_through(RowId last) {
    while (!in_order_.empty() && in_order_.front().id <= last) {
      if (holds(in_order_.front())) rows_.erase(in_order_.front().event_id);
      in_order_.pop_front();
    }
    orders_->drop_through(last);
  }
  // Shared with the readers of this process.
  std::shared_ptr<const RecentOrders> orders() const noexcept { return orders_; }
  std::size_t size() const noexcept { return rows_.size(); }

 private:
  static constexpr std::size_t slack = 1024;

  // A store that prunes what it never had to file would otherwise remember every id it ever had.
  void compact() {
    std::erase_if(in_order_, [&](const RecentId& recent) { return !holds(recent); });
    orders_->refill(in_order_);
  }
  bool holds(const RecentId& recent) const { return find(recent.event_id) == recent.id; }

  boost::unordered_flat_map<event::EventId, RowId, event::EventIdHash> rows_;
  std::deque<RecentId> in_order_;
  std::shared_ptr<RecentOrders> orders_ = std::make_shared<RecentOrders>();
};

}  // namespace wxpush::queue
