#include "handlers/base/time_text.h"

#include <doctest/doctest.h>

using namespace wxpush;
using std::chrono::milliseconds;

TEST_CASE("a time is UTC with milliseconds, whatever was asked for before") {
  CHECK(to_rfc3339(WallTime{}) == "1970-01-01T00:00:00.000Z");
  CHECK(to_rfc3339(WallTime{milliseconds{1'795'000'005'123}}) == "2026-11-18T11:06:45.123Z");
  CHECK(to_rfc3339(WallTime{milliseconds{1'795'000'005'007}}) == "2026-11-18T11:06:45.007Z");
  CHECK(to_rfc3339(WallTime{milliseconds{1'795'000'006'000}}) == "2026-11-18T11:06:46.000Z");
  CHECK(to_rfc3339(WallTime{milliseconds{-1}}) == "1969-12-31T23:59:59.999Z");
}
