#pragma once
// The clock that retention goes by. A wall clock may be wrong and be put right; an event must not
// be erased early because of it. So this clock follows the wall clock back at once, but forward
// only as far as monotonic time passed. A step forward is believed when it has lasted for a whole
// retention: by then everything stored before the step is old enough anyway.

#include "handlers/base/clock.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace wxpush::queue {

class RetentionClock {
 public:
  // `last` is where the clock stood when the store was last written. A start may find that much
  // time passed, or a clock that is not set yet: what is more than a restart takes is believed only
  // after an hour, within which such a clock is put right.
  RetentionClock(std::optional<WallTime> last, WallTime wall, SteadyTime now,
                 std::chrono::milliseconds retention)
      : retention_(retention), time_(wall), looked_at_(now) {
    if (!last || wall - *last <= a_restart) return;
    time_ = *last;
    ahead_ = wall - *last;
    believe_at_ = now + std::chrono::hours{1};
  }

  // Every reading of the wall clock that an event was stamped with counts, or a step to and fro
  // between two looks would go unseen.
  WallTime look(WallTime wall, SteadyTime now) {
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - looked_at_);
    // Only whole milliseconds are taken, so that frequent looks do not lose the rest.
    looked_at_ += passed;
    time_ += passed;
    const std::chrono::milliseconds ahead = wall - time_;
    if (ahead <= tolerance) {
      time_ = std::min(time_, wall);
      believe_at_.reset();
    } else if (!believe_at_ || ahead > ahead_ + tolerance) {  // a step, or one more
      believe_at_ = now + retention_;
      ahead_ = ahead;
    } else if (now >= *believe_at_) {
      time_ = wall;
      believe_at_.reset();
    } else {
      ahead_ =
          std::min(ahead_, ahead);  // a step from here is one more: what is stamped now is young
    }
    return time_;
  }
  WallTime time() const noexcept { return time_; }

 private:
  static constexpr std::chrono::minutes a_restart{10};
  // What a wall clock may gain by being slewed between two looks; more is a step.
  static constexpr std::chrono::milliseconds tolerance{std::chrono::seconds{1}};

  std::chrono::milliseconds retention_;
  WallTime time_;
  SteadyTime looked_at_;
  std::optional<SteadyTime> believe_at_;  // while the wall clock is ahead
  std::chrono::milliseconds ahead_{};     // and by how much it was when it stepped
};

}  // namespace wxpush::queue
