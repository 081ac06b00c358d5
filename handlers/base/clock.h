#pragma once
// Time is passed in, so that a test owns it.

#include <chrono>

namespace wxpush {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;  // for people and for the disk
using SteadyTime = std::chrono::steady_clock::time_point;           // for deadlines

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;      // may step in either direction
  virtual SteadyTime steady() const = 0;  // never goes back
};

class SystemClock final : public Clock {
 public:
  WallTime wall() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace wxpush
