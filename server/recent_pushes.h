#pragma once
// The newest pushes by event_id, to tell a retry after our 503 (expected) from a repeat of what we
// acknowledged (WeChat may dislike the reply). Advice for logs and metrics only: bounded,
// forgetful, in memory. Thread-safe.

#include "handlers/base/clock.h"
#include "handlers/event/event_id.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <vector>

namespace wxpush::server {

class RecentPushes {
 public:
  // Each push has one place that may be its own, and is forgotten when another one takes it. At
  // least one.
  explicit RecentPushes(std::size_t places) : places_(places) {}

  struct Before {
    std::chrono::nanoseconds gap;  // since it was last seen
    bool acknowledged;             // it had been answered 200
  };
  // Notes how this push was answered; tells what happened to the one before it, if that is still
  // known.
  std::optional<Before> note(const event::EventId& event_id, SteadyTime now, bool acknowledged) {
    const std::lock_guard lock(mutex_);
    Seen& seen = places_[event::EventIdHash{}(event_id) % places_.size()];
    if (!seen.taken || seen.event_id != event_id) {
      seen = {event_id, now, acknowledged, true};
      return std::nullopt;
    }
    const Before before{now - seen.at, seen.acknowledged};
    seen.at = now;
    seen.acknowledged = seen.acknowledged || acknowledged;
    return before;
  }

 private:
  struct Seen {
    event::EventId event_id;
    SteadyTime at;
    bool acknowledged = false, taken = false;
  };
  std::mutex mutex_;
  std::vector<Seen> places_;
};

}  // namespace wxpush::server
