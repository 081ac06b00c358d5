// Storing: what an acknowledgement means, and what happens to the same event pushed again.

#include "crypto/primitives/condition.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <thread>

namespace wxpush::queue {

TEST_CASE("a stored event is there as it came") {
  StoreFixture store;
  store.open();
  NewEvent event = numbered(1, "wx0123456789abcdef/shop/order-1");
  event.body = std::string("{\"a\":\0\xff}", 8);
  event.event_time = WallTime{std::chrono::milliseconds{1'700'000'000'000}};
  event.received_at = WallTime{std::chrono::milliseconds{1'700'000'000'123}};
  event.kind = event::ContentKind::opaque;
  const Appended done = store.append(event);
  CHECK(!done.error);
  CHECK(!done.duplicate);
  CHECK(done.id == 1);
  CHECK(done.seen == 1);

  const std::vector<StoredEvent> found = store.all();
  REQUIRE(found.size() == 1);
  CHECK(found[0].id == 1);
  CHECK(found[0].event_id == event.event_id);
  CHECK(found[0].app == event.app);
  CHECK(found[0].appid == event.appid);
  CHECK(found[0].type == event.type);
  CHECK(found[0].order_key == event.order_key);
  CHECK(found[0].kind == event.kind);
  CHECK(found[0].received_at == event.received_at);
  CHECK(found[0].event_time == event.event_time);
  CHECK(found[0].body == event.body);
}

TEST_CASE("an event without a time, a type, an order or a body is stored too") {
  StoreFixture store;
  store.open();
  NewEvent event;
  event.event_id = id_of(7);
  CHECK(!store.append(event).error);
  const std::vector<StoredEvent> found = store.all();
  REQUIRE(found.size() == 1);
  CHECK(!found[0].event_time);
  CHECK(found[0].type.empty());
  CHECK(found[0].order_key.empty());
  CHECK(found[0].body.empty());
}

TEST_CASE("a known event is acknowledged again, counted, and stored once") {
  StoreFixture store;
  store.open();
  const RowId id = store.append(1).id;
  for (std::uint32_t seen = 2; seen <= 5; ++seen) {
    const Appended again = store.append(1);
    CHECK(!again.error);
    CHECK(again.duplicate);
    CHECK(again.id == id);
    CHECK(again.seen == seen);
  }
  CHECK(store.ids() == std::vector<RowId>{id});

  store.pass(std::chrono::seconds{1});  // repeats ride with a later batch
  const std::vector<Repeat> repeats = store.reader()->repeats(0);
  REQUIRE(repeats.size() == 4);
  CHECK(repeats.back().id == id);
  CHECK(repeats.back().event_id == id_of(1));
  CHECK(repeats.back().seen == 5);
  CHECK(store.reader()->repeats(repeats[2].sequence).size() == 1);
}

TEST_CASE("the same event pushed while it is being stored waits for that commit") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.disk.hold_syncs();
  std::future<Appended> first = store.append_later(numbered(2));
  store.disk.wait_until_held();
  std::future<Appended> second = store.append_later(numbered(2));
  std::future<Appended> third = store.append_later(numbered(2));
  CHECK(store.queue->status().waiting == 3);
  CHECK(first.wait_for(std::chrono::seconds{0}) == std::future_status::timeout);
  CHECK(second.wait_for(std::chrono::seconds{0}) == std::future_status::timeout);

  store.disk.release_syncs();
  const Appended a = first.get();
  const Appended b = second.get();
  const Appended c = third.get();
  CHECK(!a.duplicate);
  CHECK(b.duplicate);
  CHECK(c.duplicate);
  CHECK(a.id == b.id);
  CHECK(a.seen == 1);
  CHECK(c.seen == 3);
  CHECK(store.ids().size() == 2);
  CHECK(store.append(2).seen == 4);
}

TEST_CASE("nothing is acknowledged, and nothing seen by readers, before its sync returned") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.disk.hold_syncs();
  std::future<Appended> waiting = store.append_later(numbered(2));
  store.disk.wait_until_held();
  CHECK(waiting.wait_for(std::chrono::seconds{0}) == std::future_status::timeout);
  CHECK(store.ids() == std::vector<RowId>{1});
  CHECK(store.queue->status().last_id == 1);
  store.disk.release_syncs();
  CHECK(!waiting.get().error);
  CHECK(store.queue->status().last_id == 2);
}

TEST_CASE("what waits while the disk is slow goes into one commit") {
  StoreFixture store;
  store.open();
  store.disk.hold_syncs();
  std::vector<std::future<Appended>> waiting;
  waiting.push_back(store.append_later(numbered(1)));
  store.disk.wait_until_held();
  for (std::uint64_t n = 2; n <= 50; ++n) waiting.push_back(store.append_later(numbered(n)));
  const std::uint64_t before = store.queue->status().commits;
  store.disk.release_syncs();
  for (std::future<Appended>& future : waiting) CHECK(!future.get().error);
  const QueueStatus status = store.queue->status();
  CHECK(status.commits == before + 2);
  CHECK(status.committed_events == 50);
  CHECK(store.ids().size() == 50);
}

TEST_CASE("the pages of a commit are written to the log at once") {
  StoreFixture store;
  store.open();
  store.append(1);
  const auto writes_of = [&](std::uint64_t first, std::uint64_t events) {
    store.disk.hold_syncs();
    store.append_later(numbered(first));  // takes the others along, in the commit behind it
    store.disk.wait_until_held();
    std::vector<std::future<Appended>> waiting;
    for (std::uint64_t n = 1; n <= events; ++n) {
      NewEvent event = numbered(first + n);
      event.body.assign(1000, 'x');
      waiting.push_back(store.append_later(std::move(event)));
    }
    store.disk.on_write({});  // counts anew
    store.disk.release_syncs();
    for (std::future<Appended>& future : waiting) CHECK(!future.get().error);
    return store.disk.writes();
  };
  const std::uint64_t few = writes_of(10, 1);
  CHECK(few > 0);
  CHECK(writes_of(100, 50) == few);
  CHECK(store.ids().size() == 1 + 2 + 51);
}

TEST_CASE("over the bound on pushes: refused at once, on the caller's thread") {
  StoreFixture store;
  store.settings.append_queue = 3;
  store.open();
  store.disk.hold_syncs();
  std::vector<std::future<Appended>> waiting;
  for (std::uint64_t n = 1; n <= 3; ++n) waiting.push_back(store.append_later(numbered(n)));
  CHECK(store.queue->status().append_queue_full);

  std::thread::id called_on;
  boost::system::error_code error;
  store.queue->append(numbered(4), [&](const Appended& done) {
    called_on = std::this_thread::get_id();
    error = done.error;
  });
  CHECK(called_on == std::this_thread::get_id());
  CHECK(error == QueueError::overloaded);
  // A repeat of a waiting event is a waiting push as well.
  CHECK(store.append(1).error == QueueError::overloaded);

  store.disk.release_syncs();
  for (std::future<Appended>& future : waiting) CHECK(!future.get().error);
  CHECK(!store.queue->status().append_queue_full);
  CHECK(!store.append(4).error);
}

TEST_CASE("several appended together are stored in their order, each by itself") {
  std::vector<std::string> told;
  std::promise<void> answered;
  StoreFixture store;  // goes first: its end is an answer, too
  store.settings.append_queue = 3;
  store.open(false);
  QueueObserver observer;
  observer.answered = [&] {
    told.emplace_back("answered");
    if (told.size() == 5) answered.set_value();
  };
  std::vector<Arrival> arrivals;
  for (const std::uint64_t n :
       {1ULL, 2ULL, 1ULL, 3ULL}) {  // the third is one that is known, the fourth too much
    arrivals.push_back({numbered(n), [&told, n](const Appended& done) {
                          told.push_back(std::to_string(n) + (done.error ? " refused" : "") +
                                         (done.duplicate ? " known" : ""));
                        }});
  }
  store.queue->append(std::move(arrivals));
  REQUIRE(told == std::vector<std::string>{"3 refused"});
  store.queue->start(observer);
  answered.get_future().wait();
  CHECK(told == std::vector<std::string>{"3 refused", "1", "1 known", "2", "answered"});
}

TEST_CASE("over the bound on bytes: refused at once") {
  StoreFixture store;
  store.settings.append_queue_bytes = 10'000;
  store.open();
  store.disk.hold_syncs();
  NewEvent large = numbered(1);
  large.body.assign(9'000, 'x');
  std::future<Appended> waiting = store.append_later(large);
  large.event_id = id_of(2);
  CHECK(store.append(large).error == QueueError::overloaded);
  store.disk.release_syncs();
  CHECK(!waiting.get().error);
  CHECK(!store.append(large).error);
}

TEST_CASE("where several apps push, one holds at most half, and the others find room") {
  StoreFixture store;
  store.settings.append_queue = 8;
  store.open();
  const auto of = [](const std::string& app, std::uint64_t n) {
    NewEvent event = numbered(n);
    event.app = app;
    return event;
  };
  CHECK_FALSE(store.append(of("quiet", 1)).error);
  store.disk.hold_syncs();
  std::vector<std::future<Appended>> waiting;
  for (std::uint64_t n = 11; n <= 14; ++n) waiting.push_back(store.append_later(of("flooded", n)));
  CHECK(store.append(of("flooded", 15)).error == QueueError::overloaded);
  CHECK(store.append(of("flooded", 11)).error == QueueError::overloaded);
  for (std::uint64_t n = 21; n <= 24; ++n) waiting.push_back(store.append_later(of("quiet", n)));
  CHECK(store.append(of("quiet", 25)).error == QueueError::overloaded);
  store.disk.release_syncs();
  for (std::future<Appended>& future : waiting) CHECK_FALSE(future.get().error);
  CHECK_FALSE(store.append(of("flooded", 15)).error);
}

TEST_CASE("where several apps push, one holds at most half of the bytes") {
  StoreFixture store;
  store.settings.append_queue_bytes = 10'000;
  store.open();
  NewEvent quiet = numbered(1);
  quiet.app = "quiet";
  CHECK_FALSE(store.append(quiet).error);
  NewEvent large = numbered(2);
  large.app = "flooded";
  large.body.assign(6'000, 'x');
  store.disk.hold_syncs();
  std::future<Appended> waiting = store.append_later(large);  // what is alone fits
  NewEvent small = numbered(3);
  small.app = "flooded";
  CHECK(store.append(small).error == QueueError::overloaded);
  small.app = "quiet";
  std::future<Appended> other = store.append_later(small);
  store.disk.release_syncs();
  CHECK_FALSE(waiting.get().error);
  CHECK_FALSE(other.get().error);
}

TEST_CASE("the observer hears of commits after their acknowledgements") {
  std::vector<std::string> heard;
  StoreFixture store;
  store.observer.committed_events = [&](RowId last) {
    heard.push_back("events " + std::to_string(last));
  };
  store.observer.committed = [&](std::chrono::nanoseconds, std::size_t events) {
    heard.push_back("commit " + std::to_string(events));
  };
  store.open();
  store.queue->append(numbered(1), [&](const Appended&) { heard.push_back("acknowledged"); });
  store.queue->wait_until_idle();
  store.close();
  CHECK(heard == std::vector<std::string>{"acknowledged", "commit 1", "events 1"});
}

TEST_CASE("stopping stores what waits; later pushes are told that it stopped") {
  StoreFixture store;
  store.settings.batch_events = 4;  // several commits are needed
  store.open();
  store.disk.hold_syncs();
  std::vector<std::future<Appended>> waiting;
  for (std::uint64_t n = 1; n <= 20; ++n) waiting.push_back(store.append_later(numbered(n)));
  std::thread stopping([&] { store.queue->stop(); });
  store.disk.wait_until_held();
  store.disk.release_syncs();
  stopping.join();
  for (std::future<Appended>& future : waiting) CHECK(!future.get().error);
  CHECK(store.append(21).error == QueueError::stopped);
  store.queue->stop();  // idempotent
  CHECK(store.ids().size() == 20);
}

TEST_CASE("a queue that is never started decides what was appended when it stops") {
  StoreFixture store;
  store.open(false);
  std::future<Appended> waiting = store.append_later(numbered(1));
  store.queue->stop();
  CHECK(!waiting.get().error);
}

TEST_CASE("errors say what a caller may do") {
  const auto condition = [](QueueError error) { return make_error_code(error); };
  CHECK(condition(QueueError::overloaded) == Condition::overload);
  CHECK(condition(QueueError::no_space) == Condition::transient);
  CHECK(condition(QueueError::stopped) == Condition::transient);
  CHECK(condition(QueueError::store_failed) == Condition::permanent);
  CHECK(condition(QueueError::store_failed).message() !=
        condition(QueueError::overloaded).message());
}

}  // namespace wxpush::queue
