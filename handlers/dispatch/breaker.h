#pragma once
// Stops hammering a handler that is down: after several failures in a row that were not about the
// events, nothing is offered but one event now and then, until one is answered.

#include "handlers/base/clock.h"
#include "handlers/dispatch/retry_policy.h"

namespace wxpush::dispatch {

class Breaker {
 public:
  enum class State { closed, open, probing };

  Breaker(const RetrySettings& settings, std::uint32_t threshold)
      : settings_(settings), threshold_(threshold) {}

  // Whether an attempt may begin now. While open, the one that may is the probe: began() is to
  // follow if it does.
  bool lets_through(SteadyTime now) const noexcept {
    return state_ == State::closed || (state_ == State::open && now >= probe_at_);
  }
  void began() noexcept {
    if (state_ == State::open) state_ = State::probing;
  }
  // What began came to nothing and says nothing of the handler: the next one is the probe.
  void withdrawn() noexcept {
    if (state_ == State::probing) state_ = State::open;
  }
  // The handler answered, well or not: true if it had been thought down.
  bool answered() noexcept {
    const bool was_down = state_ != State::closed;
    state_ = State::closed;
    in_a_row_ = 0;
    openings_ = 0;
    return was_down;
  }
  void failed(SteadyTime now, double random) noexcept {
    if (state_ == State::open) return;  // one that had begun before
    if (state_ == State::closed && ++in_a_row_ < threshold_) return;
    state_ = State::open;
    probe_at_ = now + retry_delay(settings_, ++openings_, 0.5 + random / 2);
  }

  State state() const noexcept { return state_; }
  // While open: when a probe may begin.
  SteadyTime probe_at() const noexcept {
    return state_ == State::open ? probe_at_ : SteadyTime::max();
  }

 private:
  const RetrySettings settings_;
  const std::uint32_t threshold_;
  State state_ = State::closed;
  std::uint32_t in_a_row_ = 0, openings_ = 0;
  SteadyTime probe_at_{};
};

}  // namespace wxpush::dispatch
