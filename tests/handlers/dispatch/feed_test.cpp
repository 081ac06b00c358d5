#include "handlers/dispatch/feed.h"

#include "tests/handlers/dispatch/fake_store.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <map>
#include <stdexcept>
#include <thread>
#include <utility>

using namespace wxpush;
using namespace wxpush::dispatch;
using namespace wxpush::test;

namespace {

struct Fixture {
  NullLog log;
  SystemClock clock;
  Settled settled;
  FeedSettings settings;
  std::vector<queue::RowId> handled;  // read after the feed ended
  std::vector<event::Marks> marks;
  std::vector<std::string> errors;
  std::vector<queue::LaneChange> changes;
  std::vector<std::pair<Unoffered, std::size_t>> unoffered;
  std::vector<unsigned> replays;
  std::map<queue::RowId, queue::Delivery> states;  // as the store has them
  queue::RowId damaged = 0;
  std::atomic<queue::RowId> erased{0};
  Feed* committing = nullptr;  // its marks are durable at once
  sink::EventCallback call = [this](const sink::Delivery& delivery) -> sink::Outcome {
    handled.push_back(delivery.stored.id);
    marks.push_back(delivery.marks);
    replays.push_back(delivery.replay);
    return std::nullopt;
  };

  Fixture() {
    settings.name = "h";
    settings.number = 1;
    settings.lanes.concurrency = 1;
    settings.lanes.retry.retry_min = std::chrono::milliseconds(1);
  }
  std::unique_ptr<Feed> feed(std::vector<queue::StoredEvent> events, queue::RowId cursor = 0) {
    DeliveryObserver observer;
    observer.attempted = [this](const Attempt& attempt) { errors.push_back(attempt.error); };
    auto reader = std::make_unique<FakeReader>(std::move(events));
    observer.unoffered = [this](const std::string&, Unoffered why, std::size_t count) {
      unoffered.emplace_back(why, count);
    };
    reader->cursor = cursor;
    reader->damaged = damaged;
    reader->erased = &erased;
    reader->states = states;
    auto mark = [this](const queue::LaneMarks& told) {
      changes.insert(changes.end(), told.changes.begin(), told.changes.end());
      settled.note(told.cursor);
      if (committing != nullptr) committing->committed(told.sequence);
    };
    return std::make_unique<Feed>(settings, std::move(reader), sink::make_callback_sink(call, 1),
                                  std::move(mark), observer, clock, log);
  }
  // Feeds everything up to `durable`, until `attempts` were made and all is settled, and ends.
  void run(std::vector<queue::StoredEvent> events, queue::RowId durable, queue::RowId cursor = 0) {
    const auto one = feed(std::move(events), cursor);
    std::thread thread([&] { one->run(); });
    one->wake(durable);
    settled.wait_for(durable);
    one->stop();
    thread.join();
    one->stop_sink(std::chrono::milliseconds(60000));
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
  settings.events = {"update_*"};
  settings.apps = {"shop"};
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

TEST_CASE_FIXTURE(
    Fixture, "a page that cannot be read holds up neither what was read before nor its marks") {
  damaged = 3;
  std::promise<void> all_handled;
  call = [&](const sink::Delivery& delivery) -> sink::Outcome {
    handled.push_back(delivery.stored.id);
    if (handled.size() == 1) throw std::runtime_error("back end down");
    if (handled.size() == 3) all_handled.set_value();  // the first one, once more
    return std::nullopt;
  };
  const auto one = feed({stored_event(1, "t"), stored_event(2, "t"), stored_event(3, "t")});
  std::thread thread([&] { one->run(); });
  one->wake(3);
  all_handled.get_future().wait();
  settled.wait_for(2);
  one->stop();
  thread.join();
  one->stop_sink(std::chrono::milliseconds(60000));
  CHECK(handled.size() == 3);
  CHECK(settled.through() == 2);
}

TEST_CASE_FIXTURE(Fixture, "what was not erased after all is read again, and none is left out") {
  settings.lanes.open = 1;  // so that the rest of a page waits
  std::promise<void> begun;
  std::promise<void> go_on;
  call = [&](const sink::Delivery& delivery) -> sink::Outcome {
    handled.push_back(delivery.stored.id);
    if (delivery.stored.id == 1) {
      begun.set_value();
      go_on.get_future().wait();
    }
    return std::nullopt;
  };
  const auto one = feed({stored_event(1, "t"), stored_event(2, "t"), stored_event(3, "t")});
  std::thread thread([&] { one->run(); });
  one->wake(3);
  begun.get_future().wait();
  one->let_go_of({2}).wait();  // amid the rest of the page
  go_on.set_value();
  settled.wait_for(3);
  one->stop();
  thread.join();
  one->stop_sink(std::chrono::milliseconds(60000));
  CHECK(handled == std::vector<queue::RowId>{1, 2, 3});
}

TEST_CASE_FIXTURE(Fixture, "a failure is told to the store with its reason and its next time") {
  call = [](const sink::Delivery&) -> sink::Outcome { throw std::runtime_error("back end down"); };
  run({stored_event(1, "t")}, 1);
  REQUIRE(!changes.empty());
  CHECK(changes[0].id == 1);
  CHECK(changes[0].place == queue::EventPlace::retry);
  CHECK(changes[0].attempts == 1);
  CHECK(changes[0].error == "back end down");
  CHECK(errors[0] == "back end down");
}

// Its row is gone, so nobody could discard it.
TEST_CASE_FIXTURE(Fixture,
                  "an event that was erased while it was tried holds no order when it dies") {
  settings.lanes.hold_on_dead = true;
  std::vector<queue::StoredEvent> events{stored_event(1, "t"), stored_event(2, "t")};
  for (auto& event : events) event.order_key = "wxshop/s/o";
  call = [&](const sink::Delivery& delivery) -> sink::Outcome {
    handled.push_back(delivery.stored.id);
    if (delivery.stored.id != 1) return std::nullopt;
    erased = 1;
    return sink::Failure{.permanent = true, .error = "no"};
  };
  run(std::move(events), 2);
  CHECK(handled == std::vector<queue::RowId>{1, 2});
}

TEST_CASE_FIXTURE(Fixture, "a feed that reads no further, since too many orders wait, says so") {
  settings.lanes.max_lanes = 1;
  settings.lanes.retry.retry_min = std::chrono::hours(1);
  call = [](const sink::Delivery&) { return sink::Failure{.error = "no"}; };
  const auto one = feed({stored_event(1, "t"), stored_event(2, "t")});
  CHECK(!one->stalled());
  std::thread thread([&] { one->run(); });
  one->wake(1);
  settled.wait_for(1);  // it is listed to be tried again
  one->stop();
  thread.join();
  CHECK(one->stalled());
}

TEST_CASE_FIXTURE(Fixture, "a permanent failure makes a dead letter at once, and others go on") {
  call = [this](const sink::Delivery& delivery) -> sink::Outcome {
    handled.push_back(delivery.stored.id);
    if (delivery.stored.id != 1) return std::nullopt;
    return sink::Failure{.permanent = true, .error = "never"};
  };
  run({stored_event(1, "t"), stored_event(2, "t")}, 2);
  CHECK(handled == std::vector<queue::RowId>{1, 2});
  CHECK(changes[0].place == queue::EventPlace::dead);
}

TEST_CASE_FIXTURE(Fixture, "an exception of any type, or without a text, is a failure with one") {
  call = [this](const sink::Delivery& delivery) -> sink::Outcome {
    handled.push_back(delivery.stored.id);
    if (delivery.stored.id == 1) throw 42;
    throw std::runtime_error("");
  };
  run({stored_event(1, "t"), stored_event(2, "t")}, 2);
  REQUIRE(errors.size() >= 2);
  CHECK_FALSE(errors[0].empty());
  CHECK_FALSE(errors[1].empty());
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
                  "a feed that is stopped hears what is under way, and begins nothing more") {
  Feed* running = nullptr;
  call = [&](const sink::Delivery& delivery) -> sink::Outcome {
    handled.push_back(delivery.stored.id);
    running->stop();
    return std::nullopt;
  };
  const auto one = feed({stored_event(1, "t"), stored_event(2, "t")});
  running = one.get();
  one->wake(2);
  one->run();
  one->stop_sink(std::chrono::milliseconds(60000));
  CHECK(handled == std::vector<queue::RowId>{1});
  CHECK(settled.through() == 1);
}

namespace {

queue::Delivery in_state(queue::DeliveryState state) {
  queue::Delivery delivery;
  delivery.handler = "h";
  delivery.state = state;
  return delivery;
}

struct AskFixture : Fixture {
  // Answers what was granted, after the feed handed over `deliveries` events.
  Granted ask(Ask what, std::vector<queue::RowId> ids, std::size_t deliveries) {
    std::promise<void> all;
    std::size_t count = 0;
    if (deliveries > 0) {
      call = [&all, &count, deliveries, inner = call](const sink::Delivery& delivery) {
        auto outcome = inner(delivery);
        if (++count == deliveries) all.set_value();
        return outcome;
      };
    } else {
      all.set_value();
    }
    const auto one = feed({stored_event(1, "t"), stored_event(2, "t"), stored_event(3, "t")}, 3);
    committing = one.get();
    std::thread thread([&] { one->run(); });
    one->wake(3);
    auto answer = one->ask(what, std::move(ids));
    const auto granted = answer.get();
    all.get_future().wait();
    one->stop();
    thread.join();
    one->stop_sink(std::chrono::milliseconds(60000));
    return granted;
  }
};

}  // namespace

TEST_CASE_FIXTURE(AskFixture, "what was delivered is offered once more, and told to be a replay") {
  states = {{1, in_state(queue::DeliveryState::delivered)},
            {2, in_state(queue::DeliveryState::pending)}};
  const auto granted = ask(Ask::replay, {1, 2, 3, 77}, 1);
  CHECK(granted.done == 1);
  CHECK(granted.passed_over == 3);  // waits already, never asked for, not stored
  CHECK(handled == std::vector<queue::RowId>{1});
  CHECK(replays == std::vector<unsigned>{1});
  REQUIRE(!changes.empty());
  CHECK(changes[0].place == queue::EventPlace::parked);
  CHECK(changes[0].replay);
}

TEST_CASE_FIXTURE(AskFixture, "a dead letter is requeued or given up; what was delivered is not") {
  states = {{1, in_state(queue::DeliveryState::dead)},
            {2, in_state(queue::DeliveryState::delivered)}};
  SUBCASE("requeued") {
    const auto granted = ask(Ask::requeue, {1, 2}, 1);
    CHECK(granted.done == 1);
    CHECK(granted.passed_over == 1);
    CHECK(handled == std::vector<queue::RowId>{1});
    CHECK(replays == std::vector<unsigned>{0});
  }
  SUBCASE("given up") {
    CHECK(ask(Ask::discard, {1, 2}, 0).done == 1);
    CHECK(handled.empty());
    REQUIRE(!changes.empty());
    CHECK(changes[0].place == queue::EventPlace::discarded);
  }
}

TEST_CASE_FIXTURE(Fixture, "a feed that ends answers nobody who asked: the promise is broken") {
  states = {{1, in_state(queue::DeliveryState::dead)}};
  std::future<Granted> answer;
  {
    const auto one = feed({stored_event(1, "t")}, 1);
    answer = one->ask(Ask::requeue, {1});
    one->stop();
    one->run();
  }
  CHECK_THROWS_AS(answer.get(), std::future_error);
}

TEST_CASE_FIXTURE(Fixture, "repeats are removed if the handler wants that and got the first one") {
  settings.remove_repeats = true;
  const std::vector<queue::StoredEvent> events{status_event(1, 302, 300), status_event(2, 302, 300),
                                               stored_event(3, "t")};
  SUBCASE("it was delivered") {
    states = {{1, in_state(queue::DeliveryState::delivered)}};
    run(events, 3);
    CHECK(handled == std::vector<queue::RowId>{1, 3});
    CHECK(unoffered == std::vector{std::pair{Unoffered::repeat, std::size_t{1}}});
    CHECK(settled.through() == 3);
  }
  SUBCASE("it became a dead letter") {
    states = {{1, in_state(queue::DeliveryState::dead)}};
    run(events, 3);
    CHECK(handled == std::vector<queue::RowId>{1, 3, 2});  // of two orders
  }
  SUBCASE("it has just become one, which is not durable yet") {
    states = {{1, in_state(queue::DeliveryState::pending)}};
    call = [this](const sink::Delivery& delivery) -> sink::Outcome {
      handled.push_back(delivery.stored.id);
      if (delivery.stored.id != 1) return std::nullopt;
      return sink::Failure{.permanent = true, .error = "never"};
    };
    run(events, 3);
    CHECK(handled == std::vector<queue::RowId>{1, 3, 2});
  }
  SUBCASE("it was never asked for") {
    run(events, 3);
    CHECK(handled == std::vector<queue::RowId>{1, 3, 2});
  }
}

TEST_CASE_FIXTURE(Fixture, "what waited too long becomes a dead letter without being offered") {
  settings.max_backlog_age = std::chrono::hours(1);
  const WallTime now{std::chrono::hours(1000)};
  settings.retention_time = [now] { return now; };
  auto old = stored_event(1, "t");
  old.received_at = now - std::chrono::minutes(61);
  auto young = stored_event(2, "t");
  young.received_at = now - std::chrono::minutes(59);
  young.event_id.bytes[0] = 1;  // another lane
  run({old, young}, 2);
  CHECK(handled == std::vector<queue::RowId>{2});
  CHECK(unoffered == std::vector{std::pair{Unoffered::too_old, std::size_t{1}}});
  REQUIRE(!changes.empty());
  CHECK(changes[0].id == 1);
  CHECK(changes[0].place == queue::EventPlace::dead);
  CHECK(changes[0].error == "it waited longer than max_backlog_age");
}
