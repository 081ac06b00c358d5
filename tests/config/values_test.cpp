#include "config/values.h"

#include "config/load.h"

#include <doctest/doctest.h>

using namespace wxpush::config;
using namespace std::chrono_literals;

TEST_CASE("durations are numbers with units, the larger unit first") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("5s") == 5s);
  CHECK(parse_duration("3.5s") == 3500ms);
  CHECK(parse_duration("1m30s") == 90s);
  CHECK(parse_duration("2h") == 2h);
  CHECK(parse_duration("7d") == 24h * 7);
  CHECK(parse_duration("1.5d") == 36h);
  CHECK(parse_duration("1d2h3m4s5ms") == 26h + 3min + 4s + 5ms);
  CHECK(parse_duration("0s") == 0ms);
}

TEST_CASE("what is no duration is told from zero") {
  for (const char* text : {"",
                           "5",
                           "s",
                           "5 s",
                           " 5s",
                           "5s ",
                           "-5s",
                           "+5s",
                           "5S",
                           "5sec",
                           "5w",
                           ".5s",
                           "5.s",
                           "1s1m",
                           "1s1s",
                           "0.0001s",
                           "1.5ms",
                           "1e3s",
                           "1.123456789d",
                           "99999999999999999999s",
                           "9223372036854775807d"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("durations print in the largest unit that divides them, and read back") {
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_duration(3500ms) == "3500ms");
  CHECK(format_duration(75s) == "75s");
  CHECK(format_duration(60s) == "1m");
  CHECK(format_duration(36h) == "36h");
  for (const auto value : {0ms, 1ms, 3500ms, 75000ms, 86400000ms, 90061001ms}) {
    CHECK(parse_duration(format_duration(value)) == value);
  }
}

TEST_CASE("sizes have binary and decimal units") {
  CHECK(parse_bytes("0") == 0U);
  CHECK(parse_bytes("512") == 512U);
  CHECK(parse_bytes("512B") == 512U);
  CHECK(parse_bytes("16KiB") == 16384U);
  CHECK(parse_bytes("1MiB") == 1048576U);
  CHECK(parse_bytes("1GiB") == 1073741824U);
  CHECK(parse_bytes("2TiB") == 2199023255552U);
  CHECK(parse_bytes("1MB") == 1000000U);
  CHECK(parse_bytes("3kB") == 3000U);
  CHECK(parse_bytes("18446744073709551615") == 18446744073709551615U);
}

TEST_CASE("what is no size, or does not fit, is nothing") {
  for (const char* text : {"", "KiB", "1 KiB", "-1", "1.5GiB", "1kib", "1Ki", "1PiB", "16777216TiB",
                           "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_bytes(text).has_value());
  }
}

TEST_CASE("sizes print in the largest binary unit that divides them, and read back") {
  CHECK(format_bytes(0) == "0");
  CHECK(format_bytes(1000) == "1000");
  CHECK(format_bytes(16384) == "16KiB");
  CHECK(format_bytes(1ULL << 30) == "1GiB");
  CHECK(format_bytes(3ULL << 29) == "1536MiB");
}

TEST_CASE("names begin with a letter and have at most 32 characters") {
  for (const char* name : {"a", "shop", "shop-2", "a23456789-123456789-123456789-12"})
    CHECK(is_name(name));
  for (const char* name :
       {"", "2shop", "-a", "Shop", "a_b", "a b", "a.b", "a23456789-123456789-123456789-123"}) {
    CAPTURE(name);
    CHECK_FALSE(is_name(name));
  }
}

TEST_CASE("quoting yields TOML strings") {
  CHECK(quote("plain") == "\"plain\"");
  CHECK(quote("a\"b\\c\nd") == "\"a\\\"b\\\\c\\u000ad\"");
  CHECK(quote("商店") == "\"商店\"");
}

TEST_CASE("the nearest candidate is offered only if it is near") {
  CHECK(nearest("lisen", {"listen", "threads"}) == "listen");
  CHECK(nearest("apps", {"app", "handler"}) == "app");
  CHECK(nearest("color", {"listen", "threads"}).empty());
  CHECK(nearest("tokne", {"token_file", "tokens", "token"}) == "tokens");  // the first of equals
  CHECK(nearest("max_sise", {"max_size_of_all", "x", "max_size"}) == "max_size");
  CHECK(nearest("", {"a"}).empty());
}
