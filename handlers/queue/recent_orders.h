#pragma once
// Which of the events that are not filed yet belong to which order: what the filed index says of
// the older ones. The writer notes, readers of the same process ask; one lock. Rebuilt with the
// recent ids at start.

#include "handlers/queue/event_record.h"
#include "handlers/queue/hashes.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace wxpush::queue {

class RecentOrders {
 public:
  // In rising order of id; `order` is not 0.
  void add(ShortHash order, RowId id) {
    const std::lock_guard lock(mutex_);
    append(order, id);
  }

  // Forgets all but these, which have `id` and `order` (0 = none) and rise by id.
  template <class Recent>
  void refill(const Recent& known) {
    const std::lock_guard lock(mutex_);
    entries_.clear();
    newest_.clear();
    for (const auto& one : known) {
      if (one.order != 0) append(one.order, one.id);
    }
  }

  // They are filed, and that is committed.
  void drop_through(RowId last) {
    const std::lock_guard lock(mutex_);
    filed_ = std::max(filed_, last);
    while (!entries_.empty() && entries_.front().id <= last) {
      const auto newest = newest_.find(entries_.front().order);
      if (newest != newest_.end() && newest->second == entries_.front().id) newest_.erase(newest);
      entries_.pop_front();
    }
  }

  // The ids above `after`, up to `until`, in rising order. nullopt: events above `filed` were filed
  // since the asker looked at the filed index; it must look again.
  std::optional<std::vector<RowId>> find(ShortHash order, RowId filed, RowId after,
                                         RowId until) const {
    const std::lock_guard lock(mutex_);
    if (filed_ > filed) return std::nullopt;
    std::vector<RowId> found;
    const auto newest = newest_.find(order);
    RowId id = newest == newest_.end() ? 0 : newest->second;
    while (id > after && !entries_.empty() && id >= entries_.front().id) {
      if (id <= until) found.push_back(id);
      id = previous(id);
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

 private:
  struct Entry {
    RowId id;
    ShortHash order;
    RowId previous;  // of the same order; 0 or dropped: none
  };
  void append(ShortHash order, RowId id) {
    const auto [newest, fresh] = newest_.try_emplace(order, id);
    entries_.push_back({id, order, fresh ? 0 : newest->second});
    newest->second = id;
  }
  RowId previous(RowId id) const {
    const auto at =
        std::lower_bound(entries_.begin(), entries_.end(), id,
                         [](const Entry& entry, RowId wanted) { return entry.id < wanted; });
    return at == entries_.end() || at->id != id ? 0 : at->previous;
  }

  mutable std::mutex mutex_;
  std::deque<Entry> entries_;
  boost::unordered_flat_map<ShortHash, RowId> newest_;
  RowId filed_ = 0;
};

}  // namespace wxpush::queue
