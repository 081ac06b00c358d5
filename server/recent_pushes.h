#pragma once
// The newest pushes by event_id, to tell a retry after our 503 (expected) from a repeat of what we
// acknowledged (WeChat may dislike the reply). Advice for logs and metrics only: bounded,
// forgetful, in memory. Thread-safe.

#include "handlers/base/clock.h"
#include "handlers/event/event_id.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <deque>
#include <mutex>
#include <optional>

namespace wxpush::server {

class RecentPushes {
 public:
  explicit RecentPushes(std::size_t capacity) : capacity_(capacity) {}

  struct Before {
    std::chrono::nanoseconds gap;  // since it was last seen
    bool acknowledged;             // it had been answered 200
  };
  // Notes how this push was answered; tells what happened to the one before it, if that is still
  // known.
  std::optional<Before> note(const event::EventId& event_id, SteadyTime now, bool acknowledged) {
    const std::lock_guard lock(mutex_);
    const auto [place, fresh] = seen_.try_emplace(event_id, Seen{now, acknowledged});
    if (!fresh) {
      const Before before{now - place->second.at, place->second.acknowledged};
      place->second = Seen{now, acknowledged || place->second.acknowledged};
      return before;
    }
    order_.push_back(event_id);
    if (order_.size() > capacity_) {
      seen_.erase(order_.front());
      order_.pop_front();
    }
    return std::nullopt;
  }

 private:
  struct Seen {
    SteadyTime at;
    bool acknowledged;
  };
  const std::size_t capacity_;
  std::mutex mutex_;
  boost::unordered_flat_map<event::EventId, Seen, event::EventIdHash> seen_;
  std::deque<event::EventId> order_;  // oldest first
};

}  // namespace wxpush::server
