#include "server/cli/time_text.h"

#include "config/load.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>

namespace wxpush::cli {
namespace {

using std::chrono::milliseconds;

// Reads a text from its front; the first thing that does not fit makes all later answers false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }

  bool digits(std::size_t count, int& value) {
    if (rest_.size() < count) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + count, value);
    if (error != std::errc() || end != rest_.data() + count || value < 0) return false;
    rest_.remove_prefix(count);
    return true;
  }
  // Any of `set`; answers which, or 0.
  char take(std::string_view set) {
    if (rest_.empty() || set.find(rest_.front()) == std::string_view::npos) return 0;
    const char taken = rest_.front();
    rest_.remove_prefix(1);
    return taken;
  }

 private:
  std::string_view rest_;
};

struct Reading {
  std::tm clock{};
  int thousandths = 0;
  std::optional<int> offset_minutes;
};

bool read_fraction(Scanner& scan, int& thousandths) {
  int weight = 100;
  int digit = 0;
  int count = 0;
  for (; scan.digits(1, digit); ++count, weight /= 10) thousandths += digit * weight;
  return count > 0;
}

bool read_offset(Scanner& scan, Reading& reading) {
  if (scan.at_end()) return true;
  if (scan.take("Zz") != 0) {
    reading.offset_minutes = 0;
    return scan.at_end();
  }
  const char sign = scan.take("+-");
  int hours = 0;
  int minutes = 0;
  if (sign == 0 || !scan.digits(2, hours) || scan.take(":") == 0 || !scan.digits(2, minutes)) {
    return false;
  }
  reading.offset_minutes = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
  return scan.at_end() && hours < 24 && minutes < 60;
}

bool read_clock(Scanner& scan, Reading& reading) {
  std::tm& clock = reading.clock;
  if (!scan.digits(2, clock.tm_hour) || scan.take(":") == 0 || !scan.digits(2, clock.tm_min)) {
    return false;
  }
  if (scan.take(":") != 0) {
    if (!scan.digits(2, clock.tm_sec)) return false;
    if (scan.take(".") != 0 && !read_fraction(scan, reading.thousandths)) return false;
  }
  return clock.tm_hour < 24 && clock.tm_min < 60 && clock.tm_sec < 61;
}

std::optional<Reading> read(std::string_view text) {
  Scanner scan(text);
  Reading reading;
  std::tm& day = reading.clock;
  if (!scan.digits(4, day.tm_year) || scan.take("-") == 0 || !scan.digits(2, day.tm_mon) ||
      scan.take("-") == 0 || !scan.digits(2, day.tm_mday)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(day.tm_year),
                                         std::chrono::month(static_cast<unsigned>(day.tm_mon)),
                                         std::chrono::day(static_cast<unsigned>(day.tm_mday))};
  if (!date.ok()) return std::nullopt;
  day.tm_year -= 1900;
  day.tm_mon -= 1;
  if (scan.at_end()) return reading;
  if (scan.take("Tt ") == 0 || !read_clock(scan, reading) || !read_offset(scan, reading)) {
    return std::nullopt;
  }
  return reading;
}

}  // namespace

std::string to_text(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t unix_time = seconds.time_since_epoch().count();
  std::tm local{};
  localtime_r(&unix_time, &local);
  const long offset = std::labs(local.tm_gmtoff) / 60;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}{:02}:{:02}", local.tm_year + 1900,
                     local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                     (time - seconds).count(), local.tm_gmtoff < 0 ? '-' : '+', offset / 60,
                     offset % 60);
}

std::optional<WallTime> parse_time(std::string_view text, WallTime now) {
  if (const auto back = config::parse_duration(text)) return now - *back;
  auto reading = read(text);
  if (!reading) return std::nullopt;
  reading->clock.tm_isdst = -1;  // whatever was in force then
  const std::time_t unix_time =
      reading->offset_minutes ? timegm(&reading->clock) - *reading->offset_minutes * std::time_t{60}
                              : mktime(&reading->clock);
  return WallTime(std::chrono::seconds(unix_time)) + milliseconds(reading->thousandths);
}

std::string relative(WallTime time, WallTime now) {
  constexpr std::array<std::pair<std::int64_t, char>, 4> units{
      {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}};
  std::int64_t seconds =
      std::llabs(std::chrono::duration_cast<std::chrono::seconds>(now - time).count());
  if (seconds == 0) return "now";
  std::string span;
  int shown = 0;
  for (const auto& [size, letter] : units) {
    const std::int64_t count = seconds / size;
    seconds %= size;
    if (count > 0) span += fmt::format("{}{}", count, letter);
    if (!span.empty() && ++shown == 2) break;
  }
  return time > now ? "in " + span : span + " ago";
}

}  // namespace wxpush::cli
