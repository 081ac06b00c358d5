#pragma once
// Names for threads, so that `top -H` and a debugger say which part of the program works.

#include <algorithm>
#include <array>
#include <cstddef>
#include <pthread.h>
#include <string_view>

namespace wxpush {

// Linux shows 15 bytes of it; the rest is cut off.
inline void name_this_thread(std::string_view name) noexcept {
  std::array<char, 16> text{};
  std::copy_n(name.data(), std::min(name.size(), text.size() - 1), text.data());
  pthread_setname_np(pthread_self(), text.data());
}

}  // namespace wxpush
