// Retention: what goes, what stays, and by which clock.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

namespace wxpush::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
constexpr hours retention{24 * 7};

}  // namespace

TEST_CASE("an event nobody asked for goes when its retention is over, and is new again then") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.pass(retention - minutes{2});
  CHECK(store.ids().size() == 1);
  CHECK(store.append(1).duplicate);
  store.pass(minutes{4});
  CHECK(store.ids().empty());
  CHECK(!store.append(1).duplicate);
}

TEST_CASE("pruning takes as many slices as it needs") {
  StoreFixture store;
  store.open();
  store.append_range(1, 1200);
  store.pass(retention + minutes{2});
  CHECK(store.ids().empty());
  CHECK(store.reader()->figures().events == 0);
}

TEST_CASE("an id is never used again, whatever was erased, also after a restart") {
  StoreFixture store;
  store.open();
  store.append_range(1, 5);
  store.pass(retention + minutes{2});
  REQUIRE(store.ids().empty());
  store.reopen();
  CHECK(store.append(6).id == 6);
  CHECK(!store.queue->empty());
}

TEST_CASE("an event stays until every handler that asked for it has settled it") {
  StoreFixture store;
  store.open(false);
  const auto all = store.queue->register_handler("all", {}, {}, true, "");
  const auto some = store.queue->register_handler("some", {"shop"}, {"update_*"}, true, "");
  store.queue->register_handler("other-app", {"other"}, {}, true, "");
  store.queue->register_handler("other-event", {}, {"trade_manage"}, true, "");
  store.queue->start({});
  store.append_range(1, 6);
  store.queue->settle(all.number, 4);
  store.queue->settle(some.number, 2);
  store.pass(std::chrono::milliseconds{100});
  store.pass(retention + minutes{2});
  CHECK(store.ids() == std::vector<RowId>{3, 4, 5, 6});
  store.queue->settle(some.number, 6);
  store.pass(std::chrono::milliseconds{100});
  store.pass(minutes{2});
  CHECK(store.ids() == std::vector<RowId>{5, 6});
}

TEST_CASE("a handler holds nothing that came before it") {
  StoreFixture store;
  store.open();
  store.append_range(1, 3);
  store.close();
  store.open(false);
  store.queue->register_handler("late", {"shop"}, {}, false, "");
  store.queue->start({});
  store.append(4);
  store.pass(retention + minutes{2});
  CHECK(store.ids() == std::vector<RowId>{4});
}

TEST_CASE("an orphaned handler holds its events") {
  StoreFixture store;
  store.open(false);
  store.queue->register_handler("gone", {}, {}, true, "");
  store.queue->start({});
  store.append_range(1, 3);
  store.reopen();  // without registering it
  REQUIRE(store.queue->handlers().at(0).orphaned);
  store.pass(retention + minutes{2});
  CHECK(store.ids().size() == 3);
}

TEST_CASE("a step of the wall clock erases nothing early, in either direction") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.clock.step(hours{24 * 365});
  store.pass(hours{1});
  CHECK(store.ids().size() == 1);
  store.append(2);  // received a year ahead
  store.clock.step(-hours{24 * 365});
  store.pass(hours{1});
  store.append(3);
  CHECK(store.ids().size() == 3);
  // It does not keep younger ones from going either.
  store.pass(retention + minutes{2});
  CHECK(store.ids() == std::vector<RowId>{2});
}

TEST_CASE("an event that was stamped between two steps, back and forward, is not erased early") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.clock.step(-retention - hours{24});
  store.append(2);  // and nobody looks at the clock before it is put right
  store.clock.step(retention + hours{24});
  store.pass(hours{1});
  CHECK(store.ids() == std::vector<RowId>{1, 2});
  store.pass(retention);
  CHECK(store.ids().empty());
}

TEST_CASE("nor after a kill, by a start that finds the clock put right") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.pass(minutes{2});
  store.append(2);  // the store knows the clock of now
  store.clock.step(-retention - hours{24});
  store.pass(seconds{2});
  store.append(3);
  StoreFixture next;
  store.copy_to(next.settings.directory);
  next.clock.advance(std::chrono::duration_cast<std::chrono::milliseconds>(store.clock.steady() -
                                                                           next.clock.steady()));
  next.open();
  next.pass(minutes{2});
  CHECK(next.ids() == std::vector<RowId>{1, 2, 3});
}

TEST_CASE("an event that waited in the quarantine is as old as it says, and moves no clock") {
  StoreFixture store;
  store.open();
  store.append(1);
  NewEvent old = numbered(2);
  old.received_at = store.clock.wall() - hours{24 * 6};
  old.from_quarantine = 1;
  store.append(old);
  store.pass(retention + minutes{2});
  CHECK(store.ids().empty());
}

TEST_CASE("after a long time off, retention goes by the wall clock once that has proved itself") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.pass(minutes{2});
  store.close();
  store.clock.step(hours{24 * 365});  // off for a year, or a clock that was never set
  store.open();
  store.pass(minutes{30});
  CHECK(store.ids().size() == 1);
  store.pass(minutes{35});
  store.pass(minutes{2});
  CHECK(store.ids().empty());
}

TEST_CASE("time spent switched off counts: a restart's at once, more after an hour") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.pass(minutes{2});
  store.close();
  store.clock.step(retention - minutes{1});
  store.open();
  store.pass(minutes{5});
  CHECK(store.ids().size() == 1);
  store.pass(minutes{60});
  CHECK(store.ids().empty());
}

TEST_CASE("events waiting for a retry, and dead letters, are held") {
  StoreFixture store;
  store.open(false);
  const auto handler = store.queue->register_handler("backend", {}, {}, true, "");
  store.queue->start({});
  store.append_range(1, 6);
  store.queue->settle(handler.number, 6);
  store.close();
  {
    Connection connection(StoreFiles(store.settings.directory).database.string(), {});
    connection.execute(
        "INSERT INTO dead VALUES(1, 2, 3, 'refused', 1, NULL);"
        "INSERT INTO dead VALUES(1, 3, 3, 'refused', 1, 5);"  // discarded
        "INSERT INTO retry VALUES(1, 5, 1, 3, 'time-out', 0, 0, 0)");
  }
  store.open();
  store.pass(retention + minutes{2});
  CHECK(store.ids() == std::vector<RowId>{2, 5});
}

TEST_CASE("a handler that is gone but for its dead letters holds up no pruning") {
  StoreFixture store;
  store.open(false);
  const auto gone = store.queue->register_handler("gone", {}, {}, true, "");
  store.queue->start({});
  store.append_range(1, 1500);  // more than one slice
  LaneChange dead;
  dead.id = 1;
  dead.place = EventPlace::dead;
  store.queue->mark(gone.number, {1, 1, {dead}});
  CHECK(store.queue->retire_handler("gone"));
  store.pass(store.settings.retention + std::chrono::minutes{2});
  CHECK(store.ids() == std::vector<RowId>{1});  // the dead letter stays
}

TEST_CASE("what waits is held though its handler asks for less by now") {
  StoreFixture store;
  store.open(false);
  const auto before = store.queue->register_handler("backend", {}, {}, true, "");
  store.queue->start({});
  store.append_range(1, 3);
  LaneChange waiting;
  waiting.id = 2;
  waiting.place = EventPlace::retry;
  store.queue->mark(before.number, {1, 3, {waiting}});
  store.queue->register_handler("backend", {}, {"nothing_like_that"}, true, "");
  store.pass(store.settings.retention + std::chrono::minutes{2});
  CHECK(store.ids() == std::vector<RowId>{2});
}

}  // namespace wxpush::queue
