#include "handlers/dispatch/silent_orders.h"

#include <doctest/doctest.h>

using namespace wxpush;
using dispatch::SilentOrders;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

SteadyTime at(std::chrono::nanoseconds time) {
  return SteadyTime(std::chrono::duration_cast<SteadyTime::duration>(time));
}

const SilentOrders::Limits limits{{101, minutes(10)}, {102, minutes(20)}};

struct World {
  SilentOrders orders;
  queue::RowId next = 1;
  explicit World(SteadyTime not_before = at(seconds(0))) : orders(limits, not_before) {}

  queue::RowId saw(int status, std::int64_t action_time, SteadyTime since,
                   std::string_view waybill = "w1", std::string_view order = "wx/s/o") {
    orders.saw({order, waybill, {action_time, status}}, next, since);
    return next++;
  }
  queue::RowId overdue(SteadyTime now) {  // the first one; 0 = none
    const auto one = orders.take(now);
    return one ? one->id : 0;
  }
};

}  // namespace

TEST_CASE("an order is overdue when its status's limit is over, and told once") {
  World world;
  CHECK(world.orders.next_due() == SteadyTime::max());
  const auto id = world.saw(101, 1000, at(minutes(1)));
  CHECK(world.orders.next_due() == at(minutes(11)));
  CHECK(world.overdue(at(minutes(11)) - seconds(1)) == 0);
  const auto overdue = world.orders.take(at(minutes(11)));
  REQUIRE(overdue);
  CHECK(overdue->id == id);
  CHECK(overdue->limit == minutes(10));
  CHECK_FALSE(world.orders.take(at(minutes(500))));
  CHECK(world.orders.next_due() == SteadyTime::max());
}

TEST_CASE("a later status is watched anew, with its own limit") {
  World world;
  world.saw(101, 1000, at(minutes(0)));
  const auto second = world.saw(102, 2000, at(minutes(9)));
  CHECK(world.overdue(at(minutes(28))) == 0);
  CHECK(world.overdue(at(minutes(29))) == second);
  const auto third = world.saw(102, 3000, at(minutes(40)));  // after it was told, too
  CHECK(world.overdue(at(minutes(60))) == third);
}

TEST_CASE("a final status, or one without a limit, ends the watch") {
  for (const int status : {302, 202, 999}) {
    World world;
    world.saw(101, 1000, at(minutes(0)));
    world.saw(status, 2000, at(minutes(1)));
    CHECK(world.orders.watched() == 0);
    CHECK(world.overdue(at(minutes(1000))) == 0);
  }
}

TEST_CASE("a final status that is followed by more is watched again") {
  World world;
  world.saw(502, 1000, at(minutes(0)));
  const auto id = world.saw(102, 2000, at(minutes(1)));
  CHECK(world.overdue(at(minutes(21))) == id);
}

TEST_CASE("a stale status is no news: it ends no silence, and begins none") {
  World world;
  const auto id = world.saw(102, 2000, at(minutes(0)));
  world.saw(302, 1000, at(minutes(5)));
  world.saw(101, 1500, at(minutes(6)));
  CHECK(world.overdue(at(minutes(20))) == id);
  world.saw(302, 3000, at(minutes(30)));
  world.saw(101, 1600, at(minutes(31)));
  CHECK(world.orders.watched() == 0);
}

TEST_CASE("the same step in other bytes is no news") {
  World world;
  const auto id = world.saw(101, 1000, at(minutes(0)));
  world.saw(101, 1000, at(minutes(9)));
  CHECK(world.overdue(at(minutes(10))) == id);
  world.saw(101, 1000, at(minutes(11)));
  CHECK(world.overdue(at(minutes(100))) == 0);
}

TEST_CASE("without an action_time every status is news") {
  World world;
  world.saw(101, 0, at(minutes(0)));
  const auto id = world.saw(101, 0, at(minutes(9)));
  CHECK(world.overdue(at(minutes(10))) == 0);
  CHECK(world.overdue(at(minutes(19))) == id);
}

TEST_CASE("orders, and waybills of one order, are watched apart; the one due first is told first") {
  World world;
  const auto slow = world.saw(102, 1000, at(minutes(0)), "w1");
  const auto fast = world.saw(101, 1000, at(minutes(1)), "w2");
  const auto other = world.saw(101, 1000, at(minutes(2)), "w1", "wx/s/other");
  world.saw(302, 5000, at(minutes(2)), "w3");
  CHECK(world.overdue(at(minutes(60))) == fast);
  CHECK(world.overdue(at(minutes(60))) == other);
  CHECK(world.overdue(at(minutes(60))) == slow);
  CHECK(world.overdue(at(minutes(60))) == 0);
}

TEST_CASE("a delivery that gets its waybill_id later is the same one") {
  World world;
  world.saw(101, 1000, at(minutes(0)), "");
  const auto id = world.saw(102, 2000, at(minutes(5)), "w1");
  CHECK(world.orders.watched() == 1);
  CHECK(world.overdue(at(minutes(25))) == id);
}

TEST_CASE("a status without a waybill_id that comes late is no news of the numbered delivery") {
  World world;
  world.saw(302, 1000, at(minutes(0)), "w1");
  world.saw(101, 900, at(minutes(1)), "");
  world.saw(101, 0, at(minutes(2)), "");
  CHECK(world.orders.watched() == 0);
  const auto id = world.saw(101, 2000, at(minutes(3)), "");  // a new attempt, not numbered yet
  CHECK(world.overdue(at(minutes(13))) == id);
}

TEST_CASE("a numbered status that comes late does not follow one without a waybill_id") {
  World world;
  const auto id = world.saw(102, 2000, at(minutes(0)), "");
  world.saw(101, 1000, at(minutes(1)), "w1");
  CHECK(world.orders.watched() == 1);
  CHECK(world.overdue(at(minutes(20))) == id);
}

TEST_CASE("a status without a time does not make what is stale news again") {
  World world;
  world.saw(302, 1000, at(minutes(0)));
  world.saw(201, 0, at(minutes(1)));
  world.saw(101, 500, at(minutes(2)));
  CHECK(world.orders.watched() == 0);
  world.saw(302, 1000, at(minutes(3)));  // nor a repeat
  const auto id = world.saw(101, 2000, at(minutes(4)));
  CHECK(world.overdue(at(minutes(14))) == id);
}

TEST_CASE("a status without a time is told of as any other") {
  World world;
  world.saw(301, 1000, at(minutes(0)));
  const auto id = world.saw(101, 0, at(minutes(1)));
  CHECK(world.overdue(at(minutes(11))) == id);
  world.saw(101, 0, at(minutes(20)));
  world.orders.was_told({"wx/s/o", "w1", {0, 101}});
  CHECK(world.overdue(at(minutes(60))) == 0);
}

TEST_CASE("an event without an order cannot be watched") {
  World world;
  world.saw(101, 1000, at(minutes(0)), "w1", "");
  CHECK(world.orders.watched() == 0);
}

TEST_CASE("what a stored event tells already is not told again, but what comes later is") {
  World world;
  world.saw(101, 1000, at(minutes(0)));
  world.orders.was_told({"wx/s/o", "w1", {1000, 101}});
  CHECK(world.overdue(at(minutes(60))) == 0);
  const auto id = world.saw(102, 2000, at(minutes(60)));
  world.orders.was_told({"wx/s/o", "w1", {1000, 101}});  // of the step before: too late to count
  world.orders.was_told({"wx/s/o", "w9", {2000, 102}});
  CHECK(world.overdue(at(minutes(80))) == id);
}

TEST_CASE("nothing is told before its time after the start, however old the silence") {
  World world(at(minutes(1)));
  const auto id = world.saw(101, 1000, at(-minutes(600)));
  CHECK(world.orders.next_due() == at(minutes(1)));
  CHECK(world.overdue(at(seconds(59))) == 0);
  CHECK(world.overdue(at(minutes(1))) == id);
}

TEST_CASE("what could not be told is told later, unless there is news") {
  World world;
  const auto id = world.saw(101, 1000, at(minutes(0)));
  auto overdue = world.orders.take(at(minutes(10)));
  REQUIRE(overdue);
  world.orders.put_back(*overdue, at(minutes(11)));
  CHECK(world.overdue(at(minutes(10))) == 0);
  overdue = world.orders.take(at(minutes(11)));
  REQUIRE(overdue);
  CHECK(overdue->id == id);
  world.saw(302, 2000, at(minutes(11)));
  world.orders.put_back(*overdue, at(minutes(12)));
  CHECK(world.overdue(at(minutes(60))) == 0);
}

TEST_CASE("watched orders are bounded: the oldest go, and are counted") {
  World world;
  const auto name = [](std::size_t n) { return "wx/s/" + std::to_string(n); };
  constexpr std::size_t more = 3;
  for (std::size_t n = 0; n < SilentOrders::max_watched + more; ++n)
    world.saw(101, 1000, at(minutes(0)), "w", name(n));
  CHECK(world.orders.watched() == SilentOrders::max_watched);
  CHECK(world.orders.dropped() == more);
  CHECK(world.overdue(at(minutes(10))) == more + 1);
}

TEST_CASE("settled orders are bounded, too, and take nothing from those watched") {
  World world;
  const auto id = world.saw(101, 1000, at(minutes(0)), "w", "wx/s/watched");
  for (std::size_t n = 0; n < SilentOrders::max_settled + 2; ++n)
    world.saw(302, 1000, at(minutes(0)), "w", "wx/s/" + std::to_string(n));
  CHECK(world.orders.dropped() == 0);
  world.saw(101, 500, at(minutes(1)), "w", "wx/s/0");  // forgotten: no longer known as stale
  world.saw(101, 500, at(minutes(1)), "w", "wx/s/9");
  CHECK(world.orders.watched() == 2);
  CHECK(world.overdue(at(minutes(10))) == id);
}

TEST_CASE("what was just taken is not forgotten for what settled later: it can be put back") {
  World world;
  const auto id = world.saw(101, 1000, at(minutes(0)), "w", "wx/s/silent");
  std::size_t n = 0;
  const auto settle = [&](std::size_t count) {
    for (const std::size_t end = n + count; n < end; ++n)
      world.saw(302, 1000, at(minutes(0)), "w", "wx/s/" + std::to_string(n));
  };
  settle(SilentOrders::max_settled);
  auto overdue = world.orders.take(at(minutes(10)));
  REQUIRE(overdue);
  world.saw(102, 500, at(minutes(10)), "w", "wx/s/silent");  // still known as stale
  CHECK(world.orders.watched() == 0);
  settle(SilentOrders::max_settled);  // now it is forgotten
  world.orders.put_back(*overdue, at(minutes(11)));
  CHECK(world.overdue(at(minutes(11))) == id);
}

TEST_CASE("what got its waybill_id while it was being told is not put back") {
  World world;
  world.saw(101, 1000, at(minutes(0)), "");
  const auto overdue = world.orders.take(at(minutes(10)));
  REQUIRE(overdue);
  const auto id = world.saw(102, 2000, at(minutes(10)), "w1");
  world.orders.put_back(*overdue, at(minutes(11)));
  CHECK(world.orders.watched() == 1);
  CHECK(world.overdue(at(minutes(60))) == id);
}
