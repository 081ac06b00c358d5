#include "handlers/base/time_text.h"

#include <array>
#include <ctime>

namespace wxpush {
namespace {

using Seconds = std::chrono::sys_seconds;

std::string text_of(Seconds seconds) {
  const std::time_t clock = seconds.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&clock, &parts);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return std::string(text.data(), size);
}

}  // namespace

std::string to_rfc3339(WallTime time) {
  struct Last {
    Seconds seconds;
    std::string text;
  };
  thread_local Last last{{}, text_of({})};  // a log asks a thousand times within one second
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  if (seconds != last.seconds) last = {seconds, text_of(seconds)};
  const auto thousandths = static_cast<int>((time - seconds).count());
  const std::array<char, 5> fraction{'.', static_cast<char>('0' + thousandths / 100),
                                     static_cast<char>('0' + thousandths / 10 % 10),
                                     static_cast<char>('0' + thousandths % 10), 'Z'};
  std::string text;
  text.reserve(last.text.size() + fraction.size());
  return text.append(last.text).append(fraction.data(), fraction.size());
}

}  // namespace wxpush
