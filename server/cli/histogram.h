#pragma once
// How long things took, in bounded memory: every power of two of microseconds is divided into 64
// steps, so a percentile is at most 1.6 % above the truth. The greatest value is exact.

#include <array>
#include <chrono>
#include <cstdint>

namespace wxpush::cli {

class Histogram {
 public:
  void add(std::chrono::microseconds took);
  std::uint64_t count() const { return count_; }
  std::chrono::microseconds max() const { return std::chrono::microseconds(max_); }
  // The value that `percent` of all do not exceed (0 < percent <= 100); 0 if there is none.
  std::chrono::microseconds percentile(double percent) const;

 private:
  static constexpr unsigned step_bits = 6;
  static constexpr std::size_t steps = 1U << step_bits;
  static std::size_t slot_of(std::uint64_t value);
  static std::uint64_t upper_end(std::size_t slot);

  std::array<std::uint64_t, steps * (64 - step_bits + 1)> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace wxpush::cli
