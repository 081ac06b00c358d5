#include "handlers/base/time_text.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace wxpush {

std::string to_rfc3339(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t clock = seconds.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&clock, &parts);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                static_cast<int>((time - seconds).count()));
  return std::string(text.data(), size) + fraction.data();
}

}  // namespace wxpush
