#pragma once
// A Bloom filter over short hashes: "certainly not" or "perhaps". 10 bits and 7 probes per value:
// at most about 1 in 100 absent values answers "perhaps" while it holds no more than it was made
// for.

#include "handlers/queue/hashes.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace wxpush::queue {

class Bloom {
 public:
  explicit Bloom(std::uint64_t values)
      : words_(std::max<std::uint64_t>(values, 64) * bits_per_value / 64 + 1) {}

  void add(ShortHash value) noexcept {
    Probe probe(value);
    for (int i = 0; i < probes; ++i) {
      const std::uint64_t bit = probe.next(words_.size() * 64);
      words_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
  }
  bool perhaps(ShortHash value) const noexcept {
    Probe probe(value);
    for (int i = 0; i < probes; ++i) {
      const std::uint64_t bit = probe.next(words_.size() * 64);
      if ((words_[bit / 64] >> (bit % 64) & 1) == 0) return false;
    }
    return true;
  }
  std::uint64_t bytes() const noexcept { return words_.size() * 8; }

 private:
  static constexpr std::uint64_t bits_per_value = 10;
  static constexpr int probes = 7;

  // Double hashing; the values are uniform already, or are mixed here if they are not.
  struct Probe {
    explicit Probe(ShortHash value) noexcept
        : at(static_cast<std::uint64_t>(value) * 0x9e3779b97f4a7c15ULL),
          step((at ^ at >> 29) * 0xbf58476d1ce4e5b9ULL | 1) {}
    // Scales instead of dividing: the upper half of a 128-bit product.
    std::uint64_t next(std::uint64_t bits) noexcept {
      at += step;
      const std::uint64_t mixed = at ^ at >> 32;
      return (mixed >> 32) * (bits >> 6) >> 32 << 6 | (mixed & 63);
    }
    std::uint64_t at, step;
  };

  std::vector<std::uint64_t> words_;
};

}  // namespace wxpush::queue
