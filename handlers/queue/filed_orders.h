#pragma once
// In which generations of the filed index (generations.h) an order may have events: a filter each,
// so that who looks for an order's earlier events need not look into all of them. The writer notes,
// readers of the same process ask; one lock. Rebuilt with the generations at start.

#include "handlers/queue/bloom.h"
#include "handlers/queue/hashes.h"
#include "handlers/queue/recent_orders.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace wxpush::queue {

class FiledOrders {
 public:
  // A new generation, of about so many ids. Most orders have several events: where each has one, 1
  // in 30 of those that are not there may be.
  void begin(std::uint32_t generation, std::uint64_t ids) {
    const std::lock_guard lock(mutex_);
    filters_.insert_or_assign(generation, Bloom(ids / 2));
  }
  // Before its row is committed.
  void add(std::uint32_t generation, ShortHash order) {
    const std::lock_guard lock(mutex_);
    if (const auto found = filters_.find(generation); found != filters_.end())
      found->second.add(order);
  }
  void drop(std::uint32_t generation) {
    const std::lock_guard lock(mutex_);
    filters_.erase(generation);
  }
  // Also of one that is not known here: a reader may look at a store of a moment ago.
  bool perhaps(std::uint32_t generation, ShortHash order) const {
    const std::lock_guard lock(mutex_);
    const auto found = filters_.find(generation);
    return found == filters_.end() || found->second.perhaps(order);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::uint32_t, Bloom> filters_;
};

// What the process that writes remembers of orders, for its readers. Null: it is another process.
struct OrderMemory {
  std::shared_ptr<const RecentOrders> recent;
  std::shared_ptr<const FiledOrders> filed;
};

}  // namespace wxpush::queue
