#include "server/recent_pushes.h"

#include <doctest/doctest.h>

using namespace wxpush;
using server::RecentPushes;
using std::chrono::seconds;

namespace {
event::EventId push(char name) {
  event::EventId id;
  id.bytes.fill(static_cast<std::uint8_t>(name));
  return id;
}
SteadyTime at(int second) {
  return SteadyTime{seconds(second)};
}
}  // namespace

TEST_CASE(
    "a push that is new has no past; one that comes again tells the gap and how it was answered") {
  RecentPushes recent(8);
  CHECK_FALSE(recent.note(push('a'), at(1), false));
  const auto retry = recent.note(push('a'), at(6), true);
  REQUIRE(retry);
  CHECK(retry->gap == seconds(5));
  CHECK_FALSE(retry->acknowledged);
  const auto repeat = recent.note(push('a'), at(7), true);
  REQUIRE(repeat);
  CHECK(repeat->acknowledged);
}

TEST_CASE("once acknowledged stays acknowledged, whatever a later try was answered") {
  RecentPushes recent(8);
  recent.note(push('a'), at(1), true);
  recent.note(push('a'), at(2), false);
  CHECK(recent.note(push('a'), at(3), false)->acknowledged);
}

TEST_CASE("a push is forgotten when another one takes its place, and no other is") {
  RecentPushes recent(2);
  recent.note(push('a'), at(1), true);
  recent.note(push('b'), at(1), true);
  CHECK_FALSE(recent.note(push('c'), at(2), true));  // the place of 'a'
  CHECK(recent.note(push('b'), at(3), true));
  CHECK_FALSE(recent.note(push('a'), at(3), true));
}

TEST_CASE("the id of no push is like any other") {
  RecentPushes recent(1);
  CHECK_FALSE(recent.note({}, at(1), true));
  CHECK(recent.note({}, at(2), true));
}
