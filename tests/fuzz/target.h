#pragma once
// What every fuzz target has in common.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace wxpush::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A promise that no input may break; the fuzzer, or the replay, stops where it is broken.
inline void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace wxpush::fuzz
