#include "handlers/dispatch/feed.h"

#include "tests/handlers/dispatch/fake_store.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>

using namespace wxpush;
using namespace wxpush::dispatch;
using namespace wxpush::test;

namespace {

struct Fixture {
  NullLog log;
  Settled settled;
  std::vector<queue::RowId> handled;
  std::vector<event::Marks> marks;
  std::vector<std::string> errors;
  sink::CallbackHandler handler{"h", {}, {}, false, [this](const sink::Delivery& delivery) {
                                  handled.push_back(delivery.stored.id);
                                  marks.push_back(delivery.marks);
                                }};

  // Feeds everything up to `durable` and ends.
  void run(std::vector<queue::StoredEvent> events, queue::RowId durable, queue::RowId cursor = 0) {
    DeliveryObserver observer;
    observer.attempted = [this](const Attempt& attempt) { errors.push_back(attempt.error); };
    Feed feed(
        handler, cursor, std::make_unique<FakeReader>(std::move(events)),
        [this](queue::RowId through) { settled.note(through); }, observer, log);
    std::thread thread([&] { feed.run(); });
    feed.wake(durable);
    settled.wait_for(durable);
    feed.stop();
    thread.join();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "every event is handed over once, in the order stored, over several pages") {
  std::vector<queue::StoredEvent> events;
  for (queue::RowId id = 1; id <= 10; ++id) events.push_back(stored_event(id, "t"));
  run(events, 10);
  CHECK(handled == std::vector<queue::RowId>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(settled.through() == 10);
}

TEST_CASE_FIXTURE(Fixture, "a feed goes on where its handler stopped") {
  run({stored_event(1, "t"), stored_event(2, "t"), stored_event(3, "t")}, 3, 2);
  CHECK(handled == std::vector<queue::RowId>{3});
}

TEST_CASE_FIXTURE(Fixture, "what is not known to be durable yet is not handed over") {
  run({stored_event(1, "t"), stored_event(2, "t"), stored_event(3, "t")}, 2);
  CHECK(handled == std::vector<queue::RowId>{1, 2});
}

TEST_CASE_FIXTURE(Fixture, "events that the handler did not ask for are settled without it") {
  handler.events = {"update_*"};
  handler.apps = {"shop"};
  run({stored_event(1, "other"), stored_event(2, "update_waybill_status"),
       stored_event(3, "update_x", "cafe"), stored_event(4, "update_x")},
      4);
  CHECK(handled == std::vector<queue::RowId>{2, 4});
  CHECK(settled.through() == 4);
}

TEST_CASE_FIXTURE(Fixture, "rows that are gone leave gaps, and the feed passes them") {
  run({stored_event(3, "t"), stored_event(9, "t")}, 12);
  CHECK(handled == std::vector<queue::RowId>{3, 9});
  CHECK(settled.through() == 12);
}

TEST_CASE_FIXTURE(Fixture,
                  "a handler that fails is offered the same event again before any later one") {
  handler.call = [this](const sink::Delivery& delivery) {
    handled.push_back(delivery.stored.id);
    if (delivery.stored.id == 1 && delivery.attempt == 1) throw std::runtime_error("back end down");
  };
  run({stored_event(1, "t"), stored_event(2, "t")}, 2);
  CHECK(handled == std::vector<queue::RowId>{1, 1, 2});
  CHECK(errors == std::vector<std::string>{"back end down", "", ""});
}

TEST_CASE_FIXTURE(Fixture, "an exception of any type is a failure, not the end of the feed") {
  handler.call = [this](const sink::Delivery& delivery) {
    handled.push_back(delivery.stored.id);
    if (delivery.attempt == 1) throw 42;
  };
  run({stored_event(1, "t")}, 1);
  CHECK(handled == std::vector<queue::RowId>{1, 1});
  CHECK_FALSE(errors[0].empty());
}

TEST_CASE_FIXTURE(Fixture, "an exception that says nothing is a failure, too") {
  handler.call = [this](const sink::Delivery& delivery) {
    handled.push_back(delivery.stored.id);
    if (delivery.attempt == 1) throw std::runtime_error("");
  };
  run({stored_event(1, "t")}, 1);
  CHECK(handled == std::vector<queue::RowId>{1, 1});
}

TEST_CASE_FIXTURE(Fixture, "a delivery carries the marks that the order's earlier events give it") {
  run({status_event(1, 302, 300), stored_event(2, "t"), status_event(3, 202, 200),
       status_event(4, 302, 300)},
      4);
  REQUIRE(marks.size() == 4);
  CHECK_FALSE(marks[0].stale);
  CHECK(marks[2].stale);
  CHECK(marks[2].repeat_of == 0);
  CHECK(marks[3].repeat_of == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "a feed that is stopped while its handler fails does not settle the event") {
  Feed* running = nullptr;
  handler.call = [&](const sink::Delivery& delivery) {
    handled.push_back(delivery.stored.id);
    running->stop();
    throw std::runtime_error("still down");
  };
  Feed feed(
      handler, 0, std::make_unique<FakeReader>(std::vector{stored_event(1, "t")}),
      [this](queue::RowId through) { settled.note(through); }, {}, log);
  running = &feed;
  feed.wake(1);
  feed.run();
  CHECK(handled == std::vector<queue::RowId>{1});
  CHECK(settled.through() == 0);
  CHECK(feed.last_error() == "still down");
}

TEST_CASE("retries back off exponentially, jittered over the whole range, up to a bound") {
  using std::chrono::milliseconds;
  CHECK(retry_delay(1, 1.0) == milliseconds(500));
  CHECK(retry_delay(2, 1.0) == milliseconds(1000));
  CHECK(retry_delay(3, 0.5) == milliseconds(1000));
  CHECK(retry_delay(7, 1.0) == milliseconds(30000));
  CHECK(retry_delay(4000000000U, 1.0) == milliseconds(30000));
  CHECK(retry_delay(9, 0.0) == milliseconds(0));
}
