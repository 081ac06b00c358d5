#pragma once
// A clock that stands still until a test moves it. Thread-safe.

#include "handlers/base/clock.h"

#include <atomic>

namespace wxpush::queue {

class FakeClock final : public Clock {
 public:
  WallTime wall() const override { return WallTime{std::chrono::milliseconds{ahead_ + steady_}}; }
  SteadyTime steady() const override { return SteadyTime{std::chrono::milliseconds{steady_}}; }

  void advance(std::chrono::milliseconds by) {  // time passes
    steady_ += by.count();
  }
  void step(std::chrono::milliseconds by) { ahead_ += by.count(); }  // somebody sets the clock

 private:
  std::atomic<std::int64_t> ahead_{1'800'000'000'000};
  std::atomic<std::int64_t> steady_{5'000'000};
};

}  // namespace wxpush::queue
