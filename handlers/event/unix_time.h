#pragma once
// Times as messages have them.

#include <cstdint>

namespace wxpush::event {

// Whether a calendar can show it: the years 1970 to 9999, without the 0 that stands for no time. A
// time in milliseconds falls outside: it is a known mistake of carriers, and would put an event
// thousands of years ahead.
constexpr bool is_unix_seconds(std::int64_t seconds) {
  constexpr std::int64_t end_of_year_9999 = 253402300799;
  return seconds > 0 && seconds <= end_of_year_9999;
}

}  // namespace wxpush::event
