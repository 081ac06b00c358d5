#include "server/cli/histogram.h"

#include <doctest/doctest.h>

#include <limits>

using namespace wxpush::cli;
using std::chrono::microseconds;

TEST_CASE("of nothing every percentile is nothing") {
  const Histogram empty;
  CHECK(empty.count() == 0);
  CHECK(empty.percentile(50).count() == 0);
  CHECK(empty.max().count() == 0);
}

TEST_CASE("small values are exact") {
  Histogram times;
  for (int i = 1; i <= 100; ++i) times.add(microseconds(i));
  CHECK(times.percentile(50).count() == 50);
  CHECK(times.percentile(90).count() == 90);
  CHECK(times.percentile(99).count() == 99);
  CHECK(times.percentile(100).count() == 100);
  CHECK(times.percentile(0.1).count() == 1);
}

TEST_CASE("a percentile is never below the truth, and at most 1.6 % above it") {
  for (std::int64_t value :
       {127LL, 128LL, 129LL, 1000LL, 65'535LL, 65'536LL, 5'000'000LL, 3'600'000'000LL}) {
    CAPTURE(value);
    Histogram times;
    times.add(microseconds(value));
    times.add(microseconds(value * 10));  // else the greatest value alone would bound it
    const std::int64_t told = times.percentile(50).count();
    CHECK(told >= value);
    CHECK(static_cast<double>(told) <= static_cast<double>(value) * 1.016);
  }
}

TEST_CASE("the greatest value is exact; one slow push among many is found where it belongs") {
  Histogram times;
  for (int i = 0; i < 999; ++i) times.add(microseconds(100));
  times.add(microseconds(1'234'567));
  CHECK(times.max().count() == 1'234'567);
  CHECK(times.percentile(99.9).count() == 100);
  CHECK(times.percentile(99.95).count() == 1'234'567);
}

TEST_CASE("no value is outside") {
  Histogram times;
  times.add(microseconds(-5));
  times.add(microseconds(std::numeric_limits<std::int64_t>::max()));
  CHECK(times.count() == 2);
  CHECK(times.percentile(50).count() == 0);
  CHECK(times.max().count() == std::numeric_limits<std::int64_t>::max());
}
