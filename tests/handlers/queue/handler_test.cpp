// Handlers: where they begin, where they go on, what they still have before them.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <array>

namespace wxpush::queue {
namespace {

using Names = std::vector<std::string>;

HandlerRecord enrol(StoreFixture& store, const std::string& name, bool oldest = true,
                    const std::string& renamed_from = {}) {
  return store.queue->register_handler(name, {}, {}, oldest, renamed_from);
}

}  // namespace

TEST_CASE("a new handler begins at the oldest event, or after the newest") {
  StoreFixture store;
  store.open();
  store.append_range(1, 3);
  store.close();
  store.open(false);
  const HandlerRecord oldest = enrol(store, "oldest", true);
  const HandlerRecord now = enrol(store, "now", false);
  CHECK(oldest.first == 0);
  CHECK(oldest.cursor == 0);
  CHECK(now.first == 3);
  CHECK(now.cursor == 3);
  CHECK(oldest.number != now.number);
  CHECK(store.reader()->pending(oldest) == 3);
  CHECK(store.reader()->pending(now) == 0);
}

TEST_CASE("a known handler goes on where it stood, with its filters of today") {
  StoreFixture store;
  store.open(false);
  const HandlerRecord before = enrol(store, "backend");
  store.queue->start({});
  store.append_range(1, 5);
  store.queue->settle(before.number, 3);
  store.close();  // a stop makes marks durable
  store.open(false);
  const HandlerRecord after =
      store.queue->register_handler("backend", {"shop", "other"}, {"update_*"}, false, "");
  CHECK(after.number == before.number);
  CHECK(after.cursor == 3);
  CHECK(after.apps == Names{"shop", "other"});
  CHECK(after.events == Names{"update_*"});
  CHECK(store.reader()->handlers().at(0).apps == after.apps);
}

TEST_CASE("marks are durable at the latest 100 ms later, and never go back") {
  StoreFixture store;
  store.open(false);
  const HandlerRecord handler = enrol(store, "backend");
  store.queue->start({});
  store.append_range(1, 5);
  store.queue->wait_until_idle();
  const std::uint64_t commits = store.queue->status().commits;
  store.queue->settle(handler.number, 2);
  store.queue->settle(handler.number, 4);
  store.queue->settle(handler.number, 3);
  store.pass(std::chrono::milliseconds{100});
  CHECK(store.number("SELECT cursor FROM handler") == 4);
  CHECK(store.queue->handlers().at(0).cursor == 4);
  CHECK(store.queue->status().commits == commits + 1);
  store.queue->settle(handler.number, 1);
  store.pass(std::chrono::milliseconds{100});
  CHECK(store.number("SELECT cursor FROM handler") == 4);
}

TEST_CASE("a mark beyond the newest event settles nothing that is still to come") {
  StoreFixture store;
  store.open(false);
  const HandlerRecord handler = enrol(store, "backend");
  store.queue->start({});
  store.append(1);
  store.queue->settle(handler.number, 1000);
  store.pass(std::chrono::milliseconds{100});
  store.append(2);
  CHECK(store.queue->handlers().at(0).cursor == 1);
  CHECK(store.reader()->pending(store.queue->handlers().at(0)) == 1);
}

TEST_CASE("a renamed handler keeps its place; its old name is gone") {
  StoreFixture store;
  store.open(false);
  const HandlerRecord before = enrol(store, "backend");
  store.queue->start({});
  store.append_range(1, 3);
  store.queue->settle(before.number, 2);
  store.close();
  store.open(false);
  const HandlerRecord after = enrol(store, "shop-backend", true, "backend");
  CHECK(after.number == before.number);
  CHECK(after.cursor == 2);
  CHECK(store.queue->handlers().size() == 1);
  // Said again at the next start, it changes nothing; a name that is not known is a new handler.
  store.close();
  store.open(false);
  CHECK(enrol(store, "shop-backend", true, "backend").number == before.number);
  CHECK(enrol(store, "new", true, "never-there").cursor == 0);
}

TEST_CASE("a handler that is not registered any more is orphaned, and can come back") {
  StoreFixture store;
  store.open(false);
  enrol(store, "one");
  enrol(store, "two");
  store.close();
  store.open(false);
  enrol(store, "two");
  CHECK(store.queue->handlers().at(0).orphaned);
  CHECK(!store.queue->handlers().at(1).orphaned);
  CHECK(store.reader()->handlers().at(0).orphaned);
  enrol(store, "one");
  CHECK(!store.queue->handlers().at(0).orphaned);
}

TEST_CASE("a retired handler is gone and holds nothing; one with dead letters stays") {
  StoreFixture store;
  store.open(false);
  enrol(store, "plain");
  enrol(store, "with dead letters");
  store.close();
  Connection(StoreFiles(store.settings.directory).database.string(), {})
      .execute(
          "INSERT INTO settled VALUES(1, 5);"
          "INSERT INTO dead VALUES(2, 1, 12, 'HTTP 500', 7, NULL)");
  store.open(false);
  store.queue->retire_handler("plain");
  store.queue->retire_handler("with dead letters");
  store.queue->retire_handler("never there");
  REQUIRE(store.queue->handlers().size() == 1);
  CHECK(store.queue->handlers()[0].name == "with dead letters");
  CHECK(store.number("SELECT count(*) FROM settled") == 0);  // the number may come again
}

TEST_CASE("one that stays for its dead letters asks for nothing more, and may come back") {
  StoreFixture store;
  store.open(false);
  const auto gone = enrol(store, "gone");
  store.queue->start({});
  store.append_range(1, 2);
  LaneChange dead;
  dead.id = 1;
  dead.place = EventPlace::dead;
  store.queue->mark(gone.number, {1, 2, {dead}});
  store.queue->retire_handler("gone");
  store.append(3);
  const auto kept = store.queue->handlers().at(0);
  CHECK(kept.orphaned);
  CHECK(store.reader()->pending(kept) == 0);  // or the next start would refuse to lose event 3
  const auto reader = store.reader();
  CHECK(reader->deliveries(*reader->find(3)).empty());
  REQUIRE(reader->deliveries(*reader->find(1)).size() == 1);
  CHECK(reader->deliveries(*reader->find(1))[0].state == DeliveryState::dead);
  const auto back = enrol(store, "gone", false);
  CHECK(back.number == gone.number);
  CHECK(back.cursor == 3);
  CHECK(!back.orphaned);
  store.append(4);
  CHECK(store.reader()->pending(store.queue->handlers().at(0)) == 1);
}

TEST_CASE("handlers come and go while the queue runs; marks made before are durable by then") {
  StoreFixture store;
  store.open(false);
  const auto first = enrol(store, "first");
  store.queue->start({});
  store.append_range(1, 3);
  store.queue->settle(first.number, 2);
  const auto again = enrol(store, "first");
  CHECK(again.number == first.number);
  CHECK(again.cursor == 2);
  const auto late = enrol(store, "late", false);
  CHECK(late.cursor == 3);
  store.queue->settle(late.number, 3);
  store.queue->retire_handler("late");
  CHECK(store.queue->handlers().size() == 1);
  CHECK_THROWS_AS(store.queue->start({}), std::logic_error);
  store.queue->stop();
  CHECK_THROWS_AS(enrol(store, "too late"), std::logic_error);
}

TEST_CASE("a handler is forgotten with all that waits for it, whether the queue runs or not") {
  StoreFixture store;
  store.open(false);
  const auto to_the_end = [] { return true; };
  for (const bool running : {false, true}) {
    const auto gone = enrol(store, "gone");
    enrol(store, "stays");
    if (running) {
      store.queue->start({});
      store.append_range(1, 4500);
    }
    std::vector<LaneChange> changes;
    for (RowId id = 1; id <= 4500; ++id) {  // more than one commit forgets
      LaneChange change;
      change.id = id;
      change.lane = static_cast<ShortHash>(id % 7);
      change.place = std::array{EventPlace::parked, EventPlace::retry, EventPlace::dead}[id % 3];
      change.replay = id % 2 == 0;
      changes.push_back(change);
    }
    if (running) {
      store.queue->mark(gone.number, {1, 4500, changes});
      store.queue->flush_marks();
      for (const auto* table : {"parked", "retry", "dead"})
        CHECK(store.number(std::string("SELECT count(*) FROM ") + table) == 1500);
      CHECK(store.queue->forget_handler("gone", to_the_end) == Forgotten::whole);
      CHECK(store.queue->forget_handler("gone", to_the_end) == Forgotten::unknown);
      for (const auto* table : {"parked", "retry", "dead", "replay", "settled"})
        CHECK(store.number(std::string("SELECT count(*) FROM ") + table) == 0);
    } else {
      CHECK(store.queue->forget_handler("gone", to_the_end) == Forgotten::whole);
    }
    REQUIRE(store.queue->handlers().size() == 1);
    CHECK(store.queue->handlers()[0].name == "stays");
  }
}

// A drain does not wait for a backlog of a million.
TEST_CASE("forgetting ends after any commit, and goes on when it is asked for again") {
  StoreFixture store;
  store.open(false);
  const auto gone = enrol(store, "gone");
  store.queue->start({});
  store.append_range(1, 4500);
  std::vector<LaneChange> changes;
  for (RowId id = 1; id <= 4500; ++id)
    changes.push_back({.id = id, .lane = 1, .place = EventPlace::parked});
  store.queue->mark(gone.number, {1, 4500, changes});
  store.queue->flush_marks();
  int commits = 0;
  CHECK(store.queue->forget_handler("gone", [&] { return ++commits <= 1; }) == Forgotten::in_part);
  CHECK(store.number("SELECT count(*) FROM parked") == 2500);
  CHECK(store.queue->handlers().size() == 1);
  CHECK(store.queue->forget_handler("gone", [] { return true; }) == Forgotten::whole);
  CHECK(store.number("SELECT count(*) FROM parked") == 0);
  CHECK(store.queue->handlers().empty());
}

TEST_CASE("a store opened for maintenance is no start: who was registered stays so") {
  StoreFixture store;
  store.open(false);
  enrol(store, "backend");
  store.close();
  store.settings.maintenance = true;
  store.open(false);
  CHECK(!store.queue->handlers().at(0).orphaned);
  store.close();
  store.settings.maintenance = false;
  CHECK(!store.reader()->handlers().at(0).orphaned);
  store.open(false);
  CHECK(store.queue->handlers().at(0).orphaned);  // a start that does not register it
}

TEST_CASE("empty means that nothing was ever stored") {
  StoreFixture store;
  store.open();
  CHECK(store.queue->empty());
  store.append(1);
  CHECK(!store.queue->empty());
  store.reopen();
  CHECK(!store.queue->empty());
}

TEST_CASE(
    "a handler for which nothing waits can be retired: what comes later does not wait for it") {
  StoreFixture store;
  store.open(false);
  const auto gone = enrol(store, "gone");
  store.queue->start({});
  store.append(1);
  store.queue->settle(gone.number, 1);
  store.close();
  store.open(false);
  REQUIRE(store.queue->handlers().at(0).orphaned);
  store.queue->retire_handler("gone");
  store.queue->retire_handler("never-there");
  CHECK(store.queue->handlers().empty());
  store.queue->start({});
  store.append(2);
  {
    const std::unique_ptr<Reader> reader = store.reader();
    CHECK(reader->deliveries(*reader->find(2)).empty());
  }
  store.close();
  store.open(false);
  CHECK(store.queue->handlers().empty());
  CHECK(enrol(store, "gone", false).cursor == 2);  // under the same name it is a new one
}

}  // namespace wxpush::queue
