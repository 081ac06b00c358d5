// What the simulation (tests/simulation) does not show of the lanes: it ends all that holds an
// order.

#include "handlers/dispatch/lanes.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::dispatch;
using queue::RowId;

namespace {

struct Fixture {
  LaneSettings settings;
  queue::LaneState found;
  SteadyTime now{std::chrono::seconds(1000)};
  WallTime wall{std::chrono::seconds(1'800'000'000)};

  Lanes lanes() { return Lanes(settings, found, wall, now); }
  // Events 1 and 2 of lane 7 are dead letters that hold it, and 3 is parked behind them.
  Lanes held() {
    settings.hold_on_dead = true;
    found.cursor = 3;
    found.parked_lanes = {7};
    found.parked = 1;
    found.held_lanes = {{7, 1}, {7, 2}};
    return lanes();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "orders that were given up do not keep the others from being read back") {
  settings.hold_on_dead = true;
  settings.loaded_lanes = 1;
  found.cursor = 40;
  found.parked_lanes = {7, 8};
  found.parked = 2;
  auto both = lanes();
  const auto first = both.wants_parked();
  REQUIRE(first);
  both.unpark(*first, {10});
  CHECK(!both.wants_parked());  // no room for another
  CHECK(both.give_up(10, "too old") == std::vector<RowId>{10});
  const auto second = both.wants_parked();
  REQUIRE(second);
  CHECK(second->lane != first->lane);
}

TEST_CASE_FIXTURE(Fixture,
                  "a dead letter holds its order whatever is replayed or given up of others") {
  auto one = held();
  CHECK(one.requeue(0, 7, true));
  CHECK(!one.next(now));
  one.discard(1, 7);
  CHECK(!one.next(now));  // 2 is still dead
  one.discard(2, 7);
  const auto offer = one.next(now);
  REQUIRE(offer);
  CHECK(offer->id == 0);
}

TEST_CASE_FIXTURE(Fixture, "a dead letter that was erased stops its order no longer") {
  auto one = held();
  CHECK(one.stops(2));
  CHECK(!one.stops(3));
  one.erased(2);
  CHECK(!one.stops(2));
  CHECK(!one.wants_parked());
  one.erased(1);
  CHECK(one.wants_parked());
}

TEST_CASE_FIXTURE(Fixture,
                  "one queue of several that is down does not open the breaker, and keeps nobody "
                  "from being the probe of an open one") {
  settings.breaker_threshold = 2;
  auto some = lanes();
  for (RowId id = 1; id <= 6; ++id) some.read(id, static_cast<queue::ShortHash>(id));
  const auto fail_next = [&](Blame blame) {
    const auto offer = some.next(now);
    REQUIRE(offer);
    some.failed(offer->id, {.blame = blame, .error = "down"}, wall, now, 0.999);
  };
  fail_next(Blame::part);
  fail_next(Blame::part);
  CHECK(some.breaker() == Breaker::State::closed);

  fail_next(Blame::handler);
  fail_next(Blame::handler);
  CHECK(some.breaker() == Breaker::State::open);
  CHECK(!some.next(now));
  now = some.wake_at();
  fail_next(Blame::part);
  const auto probe = some.next(now);  // at once
  REQUIRE(probe);
  some.delivered(probe->id);
  CHECK(some.breaker() == Breaker::State::closed);
}

TEST_CASE_FIXTURE(Fixture, "what waits already is not taken twice") {
  found.cursor = 3;
  auto one = lanes();
  CHECK(one.requeue(2, 7, true));
  CHECK(!one.requeue(2, 7, true));
  CHECK(one.parked() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a later feed takes nothing told of a former one's marks for its own") {
  settings.first_sequence = std::uint64_t{1} << 32U;
  found.cursor = 3;
  auto later = lanes();
  CHECK(later.requeue(2, 7, true));
  const auto marks = later.take_marks();
  REQUIRE(marks);
  CHECK(marks->sequence > settings.first_sequence);
  later.committed(5000);
  CHECK(later.durable() < marks->sequence);
}
