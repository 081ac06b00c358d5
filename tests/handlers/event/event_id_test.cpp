#include "handlers/event/event_id.h"

#include <doctest/doctest.h>

using namespace wxpush::event;
using namespace std::string_literals;

TEST_CASE("an event id is SHA-256 over appid, a zero byte and the message") {
  // printf 'wxba5fad812f8e6fb9\0{"Event":"debug_demo"}' | sha256sum
  CHECK(to_string(make_event_id("wxba5fad812f8e6fb9", R"({"Event":"debug_demo"})")) ==
        "aa798ee560c9c337190b5f4dd0e81e50e602764ddae3cfcf5f0846477393cc88");
}

TEST_CASE("same bytes are the same event, any other byte or app is another one") {
  const EventId id = make_event_id("wx1", "message");
  CHECK(make_event_id("wx1", "message") == id);
  CHECK(make_event_id("wx1", "messagE") != id);
  CHECK(make_event_id("wx2", "message") != id);
  CHECK(make_event_id("wx1m", "essage") != id);
  CHECK(make_event_id("wx1", "message\0"s) != id);
  CHECK(make_event_id("wx1", "") != id);
}

TEST_CASE("an event id is printed and read as 64 hexadecimal digits") {
  const EventId id = make_event_id("wx1", "message");
  const std::string text = to_string(id);
  CHECK(text.size() == 64);
  CHECK(parse_event_id(text) == id);

  std::string upper = text;
  for (char& c : upper) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  CHECK(parse_event_id(upper) == id);
}

TEST_CASE("what is not 64 hexadecimal digits is no event id") {
  const std::string text = to_string(make_event_id("wx1", "message"));
  CHECK_FALSE(parse_event_id(""));
  CHECK_FALSE(parse_event_id(text.substr(1)));
  CHECK_FALSE(parse_event_id(text + "0"));
  CHECK_FALSE(parse_event_id("g" + text.substr(1)));
  CHECK_FALSE(parse_event_id(text.substr(0, 63) + " "));
}

TEST_CASE("the hash of an event id is taken from its leading bytes") {
  EventId id;
  id.bytes[0] = 1;
  CHECK(EventIdHash{}(id) == std::size_t{1} << 8 * (sizeof(std::size_t) - 1));
  id.bytes[31] = 9;
  CHECK(EventIdHash{}(id) == std::size_t{1} << 8 * (sizeof(std::size_t) - 1));
}
