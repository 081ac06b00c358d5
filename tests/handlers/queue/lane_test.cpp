// A handler's place: what marks leave on the disk, and what a start finds.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace wxpush::queue {
namespace {

using std::chrono::milliseconds;

struct Fixture : StoreFixture {
  HandlerRecord handler;
  std::uint64_t durable = 0;  // marks

  Fixture() {
    observer.marked = [this](std::uint32_t number, std::uint64_t sequence) {
      if (number == handler.number) durable = sequence;
    };
    open(false);
    handler = queue->register_handler("backend", {}, {}, true, "");
    queue->start(observer);
    for (std::uint64_t n = 1; n <= 8; ++n) append(n, n % 2 == 0 ? "even" : "odd");
  }
  static LaneChange change(RowId id, EventPlace place, bool listed_before = false) {
    LaneChange made;
    made.id = id;
    made.lane = order_hash(id % 2 == 0 ? "even" : "odd");
    made.place = place;
    made.listed_before = listed_before;
    return made;
  }
  void mark(std::uint64_t sequence, RowId cursor, std::vector<LaneChange> changes) {
    queue->mark(handler.number, {sequence, cursor, std::move(changes)});
    pass(milliseconds{100});
  }
  LaneState state(bool hold = false) const { return reader()->lane_state(handler.number, hold); }
  DeliveryState place(RowId id) const {
    const auto one = reader();
    return one->deliveries(*one->find(id)).at(0).state;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "marks are told back once they are durable") {
  CHECK(durable == 0);
  mark(1, 2, {change(1, EventPlace::settled), change(2, EventPlace::settled)});
  CHECK(durable == 1);
  CHECK(state().cursor == 2);
  CHECK(state().passed.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "above the cursor settled ids are listed, and forgotten when it passes") {
  mark(1, 0, {change(2, EventPlace::settled), change(4, EventPlace::settled)});
  CHECK(state().passed == std::vector<RowId>{2, 4});
  CHECK(place(1) == DeliveryState::pending);
  CHECK(place(2) == DeliveryState::delivered);
  mark(2, 4, {change(1, EventPlace::settled), change(3, EventPlace::settled)});
  CHECK(state().passed.empty());
  CHECK(number("SELECT count(*) FROM settled") == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "a retry keeps what it is judged by, and its lane's parked ones their order") {
  auto failed = change(1, EventPlace::retry);
  failed.attempts = 3;
  failed.counted = 2;
  failed.tried_for = milliseconds{1500};
  failed.due = wall_time(1'800'000'005'000);
  failed.error = "time-out";
  mark(1, 5,
       {change(2, EventPlace::settled), change(4, EventPlace::settled), failed,
        change(5, EventPlace::parked), change(3, EventPlace::parked)});
  reopen();
  const auto found = state();
  CHECK(found.cursor == 5);
  REQUIRE(found.retries.size() == 1);
  CHECK(found.retries[0].id == 1);
  CHECK(found.retries[0].lane == order_hash("odd"));
  CHECK(found.retries[0].attempts == 3);
  CHECK(found.retries[0].counted == 2);
  CHECK(found.retries[0].tried_for == milliseconds{1500});
  CHECK(found.retries[0].due == wall_time(1'800'000'005'000));
  CHECK(found.parked == 2);
  CHECK(found.parked_lanes == std::vector<ShortHash>{order_hash("odd")});
  CHECK(reader()->parked(handler.number, order_hash("odd"), 0, 10) == std::vector<RowId>{3, 5});
  CHECK(reader()->parked(handler.number, order_hash("odd"), 3, 10) == std::vector<RowId>{5});
  CHECK(reader()->parked(handler.number, order_hash("even"), 0, 10).empty());
  CHECK(place(1) == DeliveryState::pending);
  CHECK(place(2) == DeliveryState::delivered);
  CHECK(place(3) == DeliveryState::pending);
}

TEST_CASE_FIXTURE(Fixture, "whatever an event was before, it is in one place afterwards") {
  mark(1, 2, {change(1, EventPlace::parked), change(2, EventPlace::retry)});
  mark(2, 2, {change(1, EventPlace::retry, true), change(2, EventPlace::dead, true)});
  CHECK(state().parked == 0);
  CHECK(state().retries.size() == 1);
  CHECK(place(2) == DeliveryState::dead);
  mark(3, 2, {change(1, EventPlace::settled, true), change(2, EventPlace::parked, true)});
  CHECK(state().retries.empty());
  CHECK(place(1) == DeliveryState::delivered);
  CHECK(place(2) == DeliveryState::pending);
}

TEST_CASE_FIXTURE(Fixture, "the lanes of dead letters are told where they hold their lanes") {
  mark(1, 2, {change(1, EventPlace::settled), change(2, EventPlace::dead)});
  CHECK(state().held_lanes.empty());
  REQUIRE(state(true).held_lanes.size() == 1);
  CHECK(state(true).held_lanes[0].first == order_hash("even"));
  CHECK(state(true).held_lanes[0].second == 2);
}

TEST_CASE_FIXTURE(Fixture, "a replay is counted, waits like a parked event, and is settled again") {
  mark(1, 2,
       {change(1, EventPlace::settled), change(2, EventPlace::settled),
        change(4, EventPlace::settled)});
  CHECK(!reader()->any_replays(handler.number));
  for (const RowId id : {RowId{2}, RowId{4}}) {  // below the cursor, and above it
    auto again = change(id, EventPlace::parked, true);
    again.replay = true;
    mark(id, 2, {again});
    CHECK(place(id) == DeliveryState::pending);
    CHECK(reader()->replays(handler.number, id) == 1);
    mark(id + 1, 2, {change(id, EventPlace::settled, true)});
    CHECK(place(id) == DeliveryState::delivered);
    mark(id + 2, 2, {again});
    CHECK(reader()->replays(handler.number, id) == 2);
  }
  CHECK(reader()->any_replays(handler.number));
  CHECK(reader()->replays(handler.number, 1) == 0);
  const auto found = state();
  CHECK(found.parked == 2);
  CHECK(found.passed == std::vector<RowId>{4});
}

TEST_CASE_FIXTURE(Fixture, "what is parked beyond the cursor is pending up to there, too") {
  mark(1, 2, {change(1, EventPlace::settled), change(2, EventPlace::settled)});
  const auto record = reader()->handlers().at(0);
  CHECK(reader()->pending(record) == 6);
  CHECK(reader()->pending_up_to(record, 2) == 0);
  CHECK(reader()->pending_up_to(record, 5) == 3);
}

TEST_CASE_FIXTURE(Fixture, "how far events are older than a time ends at the first younger one") {
  const auto first = reader()->find(1)->received_at;
  CHECK(reader()->last_before(first, 0) == 0);
  CHECK(reader()->last_before(first + milliseconds{1}, 0) == 8);
  pass(std::chrono::minutes{5});
  append(9, "odd");
  NewEvent late = numbered(10, "even");  // as out of the quarantine: old under a new id
  late.received_at = first;
  CHECK(!append_later(std::move(late)).get().error);
  mark(1, 10, {});
  CHECK(reader()->last_before(reader()->find(9)->received_at, 3) == 8);
  CHECK(reader()->last_before(reader()->find(9)->received_at + milliseconds{1}, 0) == 10);
}

TEST_CASE_FIXTURE(Fixture, "a handler for which a read event waits is not retired") {
  auto failed = change(1, EventPlace::retry);
  mark(1, 8, {failed});
  CHECK(!queue->retire_handler("backend"));
  CHECK(state().retries.size() == 1);
  CHECK(reader()->oldest_listed(handler.number) == 1);
  mark(2, 8, {change(1, EventPlace::settled, true)});
  CHECK(queue->retire_handler("backend"));
  CHECK(queue->handlers().empty());
}

TEST_CASE_FIXTURE(Fixture, "flushed marks are durable at once") {
  queue->mark(handler.number, {1, 4, {}});
  queue->flush_marks();  // no time passes
  CHECK(number("SELECT cursor FROM handler") == 4);
}

TEST_CASE_FIXTURE(Fixture, "many changes do not wait for the lazy commit") {
  std::vector<LaneChange> many;
  for (int i = 0; i < 64; ++i) many.push_back(change(1, EventPlace::settled));
  queue->mark(handler.number, {1, 1, std::move(many)});
  queue->wait_until_idle();  // no time passes
  CHECK(durable == 1);
}

TEST_CASE_FIXTURE(Fixture, "retries and parked events are held by pruning, settled ones are not") {
  mark(1, 8,
       {change(1, EventPlace::retry), change(3, EventPlace::parked), change(2, EventPlace::dead)});
  pass(settings.retention + std::chrono::minutes{2});
  CHECK(ids() == std::vector<RowId>{1, 2, 3});
}

}  // namespace wxpush::queue
