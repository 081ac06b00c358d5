// Killed at every sync: the files as they are in that moment are opened as a store of their own.
// Whatever was acknowledged until then must be known there, nothing may be there twice, and work
// that was cut short must go on.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

namespace wxpush::queue {
namespace {

constexpr std::uint64_t events = 40;

void make_small(StoreFixture& store) {
  store.settings.recent_ids = 8;
  store.settings.generation_ids = 12;
  store.settings.wal_checkpoint_pages = 24;
  store.options.filing_rows = 2;
}

struct Moment {
  std::filesystem::path directory;
  std::set<std::uint64_t> acknowledged;
  RowId settled = 0;
};

void check_survivor(const Moment& moment) {
  StoreFixture store;
  make_small(store);
  std::filesystem::copy(moment.directory, store.settings.directory);
  store.open();
  const std::vector<HandlerRecord> handlers = store.queue->handlers();
  REQUIRE(handlers.size() == 1);
  CHECK(handlers[0].cursor >= moment.settled);
  std::map<RowId, std::uint64_t> owners;
  std::vector<std::future<Appended>> waiting;
  for (std::uint64_t n = 1; n <= events; ++n) {
    waiting.push_back(store.append_later(numbered(n, "order-" + std::to_string(n % 5))));
  }
  for (std::uint64_t n = 1; n <= events; ++n) {
    const Appended done = waiting[n - 1].get();
    REQUIRE(!done.error);
    CHECK_MESSAGE((done.duplicate || !moment.acknowledged.contains(n)), "lost: " << n);
    CHECK(owners.emplace(done.id, n).second);
  }
  store.queue->wait_until_idle();
  std::set<std::string> bodies;
  std::size_t of_orders = 0;
  for (const StoredEvent& event : store.all()) CHECK(bodies.insert(event.body).second);
  for (int order = 0; order < 5; ++order) {
    of_orders += store.ids({.order_key = "order-" + std::to_string(order)}).size();
  }
  CHECK(bodies.size() == events);
  CHECK(of_orders == events);
  CHECK(store.number("SELECT value FROM meta WHERE key = 'events'") == events);
}

}  // namespace

TEST_CASE("killed at any sync: nothing acknowledged is lost, nothing is stored twice") {
  TempDirectory moments;
  std::vector<Moment> found;
  {
    StoreFixture store;
    make_small(store);
    store.open(false);
    const HandlerRecord handler = store.queue->register_handler("backend", {}, {}, true, "");
    std::mutex mutex;
    std::set<std::uint64_t> acknowledged;
    RowId settled = 0;
    store.disk.on_sync([&](std::uint64_t nth, StoreFile) {
      const std::lock_guard lock(mutex);
      found.push_back({moments.path() / std::to_string(nth), acknowledged, settled});
      store.copy_to(found.back().directory);
      return 0;
    });
    QueueObserver observer;
    observer.marked = [&](std::uint32_t, std::uint64_t sequence) {
      const std::lock_guard lock(mutex);
      settled = sequence;  // its marks are durable from now on
    };
    store.queue->start(observer);
    for (std::uint64_t n = 1; n <= events; ++n) {
      REQUIRE(!store.append(n, "order-" + std::to_string(n % 5)).error);
      if (n % 10 == 0) store.queue->mark(handler.number, {n, n, {}});
      const std::lock_guard lock(mutex);
      acknowledged.insert(n);
    }
    store.close();
    store.disk.on_sync({});
    found.push_back({moments.path() / "end", acknowledged, events});
    store.copy_to(found.back().directory);
  }
  CHECK(found.size() > 50);  // batches, filed slices, checkpoints
  for (const Moment& moment : found) {
    CAPTURE(moment.directory.filename().string());
    check_survivor(moment);
  }
}

}  // namespace wxpush::queue
