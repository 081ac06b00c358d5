#include "server/cli/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace wxpush::cli {

// Values below 64 have a slot each; above, the slot is the position of the highest bit and the six
// bits behind it.
std::size_t Histogram::slot_of(std::uint64_t value) {
  if (value < steps) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - step_bits - 1;
  return steps * shift + static_cast<std::size_t>(value >> shift);
}

std::uint64_t Histogram::upper_end(std::size_t slot) {
  if (slot < 2 * steps) return slot;
  const std::size_t shift = slot / steps - 1;
  const std::uint64_t lead = slot % steps + steps;
  return ((lead + 1) << shift) - 1;
}

void Histogram::add(std::chrono::microseconds took) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0));
  ++counts_[slot_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

std::chrono::microseconds Histogram::percentile(double percent) const {
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100 - 1e-9)));
  std::uint64_t seen = 0;
  for (std::size_t slot = 0; slot < counts_.size(); ++slot) {
    seen += counts_[slot];
    if (seen >= wanted) return std::chrono::microseconds(std::min(upper_end(slot), max_));
  }
  return std::chrono::microseconds(max_);
}

}  // namespace wxpush::cli
