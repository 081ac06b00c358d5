#pragma once
// Randomness is passed in, so that a test owns it.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace wxpush::crypto {

class Random {
 public:
  virtual ~Random() = default;
  // Fills all of it or throws std::runtime_error (the system's generator failed). Thread-safe.
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

// The operating system's cryptographic generator, through OpenSSL.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

// `length` characters drawn uniformly from `alphabet` (at most 256 characters, not empty).
std::string random_text(Random& random, std::size_t length, std::string_view alphabet);

}  // namespace wxpush::crypto
