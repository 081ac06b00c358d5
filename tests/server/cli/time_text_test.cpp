#include "server/cli/time_text.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::cli;
using namespace std::chrono_literals;

namespace {

constexpr WallTime now{std::chrono::seconds(1'700'000'000)};  // 2023-11-14T22:13:20Z

std::optional<std::int64_t> milliseconds(std::string_view text) {
  const auto time = parse_time(text, now);
  return time ? std::optional(time->time_since_epoch().count()) : std::nullopt;
}

}  // namespace

TEST_CASE("a printed time has milliseconds and an offset, and is read back as it was") {
  const WallTime time = now + 125ms;
  const std::string text = to_text(time);
  CHECK(text.substr(19, 4) == ".125");
  CHECK(text.size() == std::string("2023-11-14T22:13:20.125+00:00").size());
  CHECK(parse_time(text, WallTime{}) == time);
}

TEST_CASE("a time before 1970 is printed too, its milliseconds counted forwards") {
  CHECK(to_text(WallTime(-1ms)).substr(19, 4) == ".999");
  CHECK(parse_time(to_text(WallTime(-1ms)), now) == WallTime(-1ms));
}

TEST_CASE("offsets are taken as they are written") {
  CHECK(milliseconds("2023-11-14T22:13:20Z") == 1'700'000'000'000);
  CHECK(milliseconds("2023-11-15T06:13:20+08:00") == 1'700'000'000'000);
  CHECK(milliseconds("2023-11-14t17:43:20.5-04:30") == 1'700'000'000'500);
  CHECK(milliseconds("2023-11-14T22:13Z") == 1'699'999'980'000);
}

TEST_CASE("without an offset it is local time; a day is its local midnight") {
  const auto midnight = parse_time("2023-11-14", now);
  REQUIRE(midnight.has_value());
  CHECK(to_text(*midnight).substr(0, 23) == "2023-11-14T00:00:00.000");
  CHECK(parse_time("2023-11-14 00:00", now) == midnight);
}

TEST_CASE("a duration is that long ago") {
  CHECK(parse_time("2h", now) == now - 2h);
  CHECK(parse_time("1m30s", now) == now - 90s);
}

TEST_CASE("what is no time is refused, not guessed") {
  for (const char* text : {"", "yesterday", "2023-13-01", "2023-02-30", "2023-11-14T",
                           "2023-11-14T25:00", "2023-11-14T10", "2023-11-14T10:00:00+8",
                           "2023-11-14T10:00:00Zx", "2023-11-14T10:00:00.", "-023-11-14"}) {
    CAPTURE(text);
    CHECK(parse_time(text, now) == std::nullopt);
  }
}

TEST_CASE("distances are told in two units at most") {
  CHECK(relative(now, now) == "now");
  CHECK(relative(now - 252s, now) == "4m12s ago");
  CHECK(relative(now - 3h - 5s, now) == "3h ago");
  CHECK(relative(now + 76h + 3min, now) == "in 3d4h");
}
