// The watch turned by hand, over a store that is a vector and a clock that the test owns.

#include "handlers/dispatch/silent_watch.h"

#include "handlers/event/message.h"
#include "handlers/event/order_silent.h"
#include "tests/handlers/dispatch/fake_store.h"
#include "tests/handlers/queue/fake_clock.h"

#include <doctest/doctest.h>

#include <deque>

using namespace wxpush;
using namespace wxpush::test;
using dispatch::SilentWatch;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

using Events = std::vector<queue::StoredEvent>;

class ReaderOf final : public EmptyReader {
 public:
  explicit ReaderOf(const Events& events) : events_(events) {}
  Page events(const queue::EventFilter& filter, std::size_t limit) override {
    Page page;
    page.next_after = filter.after;
    for (const auto& event : events_) {
      if (event.id <= filter.after || (filter.until != 0 && event.id > filter.until)) continue;
      if (page.events.size() == std::min<std::size_t>(limit, 3)) return page;
      page.next_after = event.id;
      if (!filter.since || event.received_at >= *filter.since) page.events.push_back(event);
    }
    page.end = true;
    return page;
  }
  std::optional<queue::StoredEvent> find(queue::RowId id) override {
    for (const auto& event : events_) {
      if (event.id == id) return event;
    }
    return std::nullopt;
  }
  queue::RowId last_id() override { return events_.empty() ? 0 : events_.back().id; }

 private:
  const Events& events_;
};

struct World {
  queue::FakeClock clock;
  NullLog log;
  Events stored;
  boost::system::error_code refusal;  // of the next appends
  int refused = 0;
  std::vector<std::string> told;  // apps
  dispatch::SilentOrders::Limits limits{{101, minutes(10)}, {102, minutes(20)}};
  std::unique_ptr<SilentWatch> watch;

  void start() {
    watch = std::make_unique<SilentWatch>(
        limits, last_id(), std::make_unique<ReaderOf>(stored),
        [this](queue::NewEvent event, const queue::AppendCallback& done) {
          append(std::move(event), done);
        },
        [this](const std::string& app) { told.push_back(app); }, clock, log);
    turn();
  }
  queue::RowId last_id() const { return stored.empty() ? 0 : stored.back().id; }

  // As the queue does it: an event that is stored already is not stored again.
  void append(queue::NewEvent event, const queue::AppendCallback& done) {
    queue::Appended appended;
    appended.error = refusal;
    if (refusal) {
      ++refused;
      return done(appended);
    }
    for (const auto& one : stored) appended.duplicate |= one.event_id == event.event_id;
    if (!appended.duplicate) store(std::move(event));
    appended.id = last_id();
    done(appended);
  }
  void store(queue::NewEvent event) {
    queue::StoredEvent row;
    static_cast<queue::NewEvent&>(row) = std::move(event);
    row.id = last_id() + 1;
    stored.push_back(std::move(row));
  }
  void push(int status, int action_time, const std::string& order = "o") {
    queue::NewEvent event = status_event(0, status, action_time);
    event.body.replace(event.body.find(R"("o")"), 3, "\"" + order + "\"");
    event.order_key = event::read_message(event.appid, event.body).order_key;
    event.event_id = event::make_event_id(event.appid, event.body);
    event.received_at = clock.wall();
    store(std::move(event));
    if (watch) turn();
  }
  // Until nothing is left to do: an append's outcome is heard in the turn after it.
  void turn() {
    watch->wake(last_id());
    const auto done = [this] {
      return stored.size() + told.size() + static_cast<std::size_t>(refused);
    };
    for (bool busy = true; busy;) {
      const auto before = done();
      busy = watch->turn() <= clock.steady() || done() != before;
    }
  }
  void pass(milliseconds time) {
    clock.advance(time);
    turn();
  }
  Events silent() const {
    Events found;
    for (const auto& event : stored) {
      if (event.type == event::order_silent_type) found.push_back(event);
    }
    return found;
  }
};

}  // namespace

TEST_CASE(
    "an order past its limit becomes one stored event, in its lane and about its last status") {
  World world;
  world.start();
  world.push(101, 1'700'000'000);
  world.pass(minutes(10) - milliseconds(1));
  CHECK(world.silent().empty());
  world.pass(milliseconds(1));
  world.pass(hours(5));
  REQUIRE(world.silent().size() == 1);
  const auto event = world.silent()[0];
  CHECK(event.order_key == world.stored[0].order_key);
  CHECK(event.app == "shop");
  CHECK(event.appid == "wxshop");
  CHECK(event.event_id == event::make_event_id("wxshop", event.body));
  CHECK(event.event_time == WallTime(seconds(1'700'000'000)));
  const auto silence = event::read_order_silent(event.body);
  REQUIRE(silence);
  CHECK(silence->waybill_id == "w");
  CHECK(silence->order_status == 101);
  CHECK(silence->after == minutes(10));
  CHECK(silence->last_event_id == world.stored[0].event_id);
  CHECK(world.told == std::vector<std::string>{"shop"});
}

TEST_CASE("an order that goes on, or ends, is not silent") {
  World world;
  world.start();
  world.push(101, 1000);
  world.pass(minutes(9));
  world.push(102, 2000);
  world.pass(minutes(19));
  world.push(302, 3000);
  world.pass(hours(100));
  CHECK(world.silent().empty());
}

TEST_CASE("a silence across a restart is noticed, after the grace") {
  World world;
  world.push(101, 1000);
  world.clock.advance(hours(3));
  world.start();
  CHECK(world.silent().empty());
  world.pass(SilentWatch::grace - milliseconds(1));
  CHECK(world.silent().empty());
  world.pass(milliseconds(1));
  CHECK(world.silent().size() == 1);
}

TEST_CASE("a push that was held back while nobody served arrives within the grace") {
  World world;
  world.push(101, 1000);
  world.clock.advance(hours(3));
  world.start();
  world.pass(seconds(30));
  world.push(302, 2000);
  world.pass(hours(1));
  CHECK(world.silent().empty());
}

TEST_CASE("with limits below it the grace is the smallest limit") {
  World world;
  world.limits = {{101, seconds(1)}};
  world.push(101, 1000);
  world.clock.advance(minutes(1));
  world.start();
  CHECK(world.silent().empty());
  world.pass(seconds(1));
  CHECK(world.silent().size() == 1);
}

TEST_CASE("what was told before a restart is not told again, nor appended") {
  World world;
  world.start();
  world.push(101, 1000);
  world.pass(minutes(10));
  REQUIRE(world.silent().size() == 1);
  world.refusal = queue::QueueError::overloaded;  // would be noticed
  world.start();
  world.pass(hours(2));
  CHECK(world.refused == 0);
  CHECK(world.told.size() == 1);
}

TEST_CASE("the same silence is the same event, also if the stored one was not seen") {
  World world;
  world.push(101, 1000);
  std::vector<event::EventId> ids;
  for (int run = 0; run < 2; ++run) {
    World again;
    again.stored = world.stored;
    again.clock.advance(hours(run));  // noticed at another time
    again.start();
    again.pass(minutes(10));
    REQUIRE(again.silent().size() == 1);
    ids.push_back(again.silent()[0].event_id);
  }
  CHECK(ids[0] == ids[1]);
}

TEST_CASE("what is older than the largest limit and a day is not read back") {
  World world;
  world.push(101, 1000, "old");
  world.clock.advance(minutes(20) + SilentWatch::read_back_beyond_limit);
  world.push(101, 1000, "young");
  world.clock.advance(milliseconds(1));
  world.start();
  world.pass(hours(1));
  REQUIRE(world.silent().size() == 1);
  CHECK(world.silent()[0].order_key == "wxshop/s/young");
}

TEST_CASE("a step of the wall clock makes nothing silent early, and hides nothing") {
  for (const auto step : {hours(24), -hours(24)}) {
    World world;
    world.push(102, 1000, "before");
    world.start();
    world.push(101, 1000, "after");
    world.clock.step(step);
    world.push(102, 1000, "stepped");
    world.pass(minutes(10) - milliseconds(1));
    CHECK(world.silent().empty());
    world.pass(milliseconds(1));
    CHECK(world.silent().size() == 1);
    world.pass(minutes(10));
    CHECK(world.silent().size() == 3);
  }
}

TEST_CASE("a status from the future, stored by a clock that was wrong, begins its silence now") {
  World world;
  world.push(101, 1000);
  world.clock.step(-hours(5));
  world.start();
  world.pass(minutes(10) - milliseconds(1));
  CHECK(world.silent().empty());
  world.pass(milliseconds(1));
  CHECK(world.silent().size() == 1);
}

TEST_CASE("an append that fails for now is tried again; news meanwhile end it") {
  World world;
  world.start();
  world.push(101, 1000, "a");
  world.push(101, 1000, "b");
  world.refusal = queue::QueueError::overloaded;
  world.pass(minutes(10));
  CHECK(world.refused == 2);
  world.push(302, 2000, "b");
  world.refusal = {};
  world.pass(minutes(1));
  REQUIRE(world.silent().size() == 1);
  CHECK(world.silent()[0].order_key == "wxshop/s/a");
}

TEST_CASE("a store that failed ends the watch quietly") {
  World world;
  world.start();
  world.push(101, 1000);
  world.refusal = queue::QueueError::store_failed;
  world.pass(minutes(10));
  CHECK(world.watch->ended());
  world.pass(hours(1));
  CHECK(world.refused == 1);
  CHECK(world.told.empty());
}

TEST_CASE("many that are silent at once are told a few at a time, and all of them") {
  World world;
  world.start();
  for (int n = 0; n < 200; ++n) world.push(101, 1000, std::to_string(n));
  world.pass(minutes(10));
  CHECK(world.silent().size() == 200);
}

TEST_CASE("its thread ends when it is told to, whatever it waits for") {
  World world;
  world.push(101, 1000);
  SilentWatch watch(
      world.limits, 1, std::make_unique<ReaderOf>(world.stored),
      [](const queue::NewEvent&, const queue::AppendCallback&) {}, {}, world.clock, world.log);
  watch.start();
  watch.wake(1);
  watch.stop();
  watch.stop();
  CHECK_FALSE(watch.ended());
}
