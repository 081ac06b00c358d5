#pragma once
// A Bloom filter over short hashes: "certainly not" or "perhaps". 16 bits a value; while it holds
// no more than it was made for, at most about 1 in 500 absent values answers "perhaps".
//
// All bits of a value lie in one line of the cache, one in each of its words: a question costs one
// look at memory, and prefetch() lets many filters be asked in the time of a few.

#include "handlers/queue/hashes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace wxpush::queue {

class Bloom {
 public:
  explicit Bloom(std::uint64_t values)
      : lines_(std::max<std::uint64_t>(values, 64) * bits_per_value / bits_per_line + 1) {}

  void add(ShortHash value) noexcept {
    const Place place(value, lines_.size());
    for (std::size_t i = 0; i < words_per_line; ++i) lines_[place.line].words[i] |= place.bit(i);
  }
  bool perhaps(ShortHash value) const noexcept {
    const Place place(value, lines_.size());
    std::uint64_t missing = 0;
    for (std::size_t i = 0; i < words_per_line; ++i)
      missing |= place.bit(i) & ~lines_[place.line].words[i];
    return missing == 0;
  }
  void prefetch(ShortHash value) const noexcept {
    __builtin_prefetch(&lines_[Place(value, lines_.size()).line]);
  }
  std::uint64_t bytes() const noexcept { return lines_.size() * sizeof(Line); }

 private:
  static constexpr std::uint64_t bits_per_value = 16;
  static constexpr std::size_t words_per_line = 8;
  static constexpr std::uint64_t bits_per_line = 64 * words_per_line;
  struct alignas(64) Line {
    std::array<std::uint64_t, words_per_line> words{};
  };

  // The values are uniform already, or are mixed here if they are not. The upper half says which
  // line (scaled instead of divided), 6 bits each of another mixture which bit of each word.
  struct Place {
    Place(ShortHash value, std::size_t lines) noexcept {
      const auto mixed = static_cast<std::uint64_t>(value) * 0x9e3779b97f4a7c15ULL;
      line = static_cast<std::size_t>((mixed >> 32) * lines >> 32);
      bits = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9ULL;
      bits ^= bits >> 32;
    }
    std::uint64_t bit(std::size_t word) const noexcept {
      return std::uint64_t{1} << (bits >> (6 * word) & 63);
    }
    std::size_t line;
    std::uint64_t bits;
  };

  std::vector<Line> lines_;
};

}  // namespace wxpush::queue
