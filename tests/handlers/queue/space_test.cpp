// The limits: under pressure what is settled goes early and its id stays known; what is not settled
// never goes; then pushes are held.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

namespace wxpush::queue {
namespace {

constexpr std::uint64_t gib = 1ULL << 30;
using std::chrono::hours;
using std::chrono::seconds;

bool answered(const std::future<Appended>& future) {
  return future.wait_for(seconds{0}) == std::future_status::ready;
}

struct LimitedStore : StoreFixture {
  LimitedStore() {
    settings.min_free = gib;
    roomy();
  }
  void roomy() { disk.set_space({.total = 100 * gib, .free = 50 * gib}); }
  void tight() { disk.set_space({.total = 100 * gib, .free = gib / 2}); }
};

}  // namespace

TEST_CASE("below min_free with nothing to erase: new events held, known ones answered") {
  LimitedStore store;
  store.open();
  store.append(1);
  store.tight();
  store.pass(seconds{1});
  CHECK(store.queue->status().space == SpaceState::low);
  CHECK(store.log.count("over max_size or min_free") == 1);
  std::future<Appended> held = store.append_later(numbered(2));
  CHECK(store.append(1).duplicate);
  store.pass(seconds{1});
  CHECK(!answered(held));
  store.roomy();
  store.pass(seconds{1});
  CHECK(store.queue->status().space == SpaceState::ok);
  CHECK(!held.get().error);
}

TEST_CASE("a limit counts as kept again only with some room beyond it") {
  LimitedStore store;
  store.open();
  store.append(1);
  store.tight();
  store.pass(seconds{1});
  store.disk.set_space({.total = 100 * gib, .free = gib});
  store.pass(seconds{1});
  CHECK(store.queue->status().space == SpaceState::low);
  store.roomy();
  store.pass(seconds{1});
  CHECK(store.queue->status().space == SpaceState::ok);
}

TEST_CASE("under pressure, what is past min_retention goes early; its id stays until retention") {
  LimitedStore store;
  store.open();
  store.append_range(1, 700);  // more than a slice
  store.pass(hours{25});
  store.append(1000);
  store.tight();
  store.pass(seconds{1});
  CHECK(store.ids().size() == 1);  // the young one
  store.roomy();
  store.pass(seconds{1});
  CHECK(store.append(1).duplicate);
  store.reopen();
  CHECK(store.append(1).duplicate);
  CHECK(store.append(700).duplicate);
  CHECK(store.number("SELECT count(*) FROM erased") == 700);

  store.pass(hours{24 * 6});
  CHECK(store.number("SELECT count(*) FROM erased") == 0);
  CHECK(!store.append(1).duplicate);
}

TEST_CASE("under pressure, nothing that a handler still needs goes") {
  LimitedStore store;
  store.open(false);
  const HandlerRecord handler = store.queue->register_handler("backend", {}, {}, true, "");
  store.queue->start({});
  store.append_range(1, 10);
  store.queue->settle(handler.number, 4);
  store.pass(hours{25});
  store.tight();
  store.pass(seconds{1});
  CHECK(store.ids() == std::vector<RowId>{5, 6, 7, 8, 9, 10});
  CHECK(store.queue->status().space == SpaceState::low);

  // The handler catches up: the next look erases the rest.
  store.queue->settle(handler.number, 10);
  store.pass(seconds{1});
  store.pass(seconds{5});
  CHECK(store.ids().empty());
}

TEST_CASE("over max_size: held; pages that are free inside the database count as free") {
  StoreFixture store;
  store.settings.max_size = reserve_bytes + (4U << 20);
  store.settings.wal_checkpoint_pages = 64;
  store.open();
  std::uint64_t stored = 0;
  std::future<Appended> held;
  for (std::uint64_t n = 1; n <= 2000; ++n) {
    NewEvent event = numbered(n);
    event.body.assign(8'000, 'x');
    held = store.append_later(event);
    store.pass(seconds{1});
    if (!answered(held)) break;
    ++stored;
  }
  REQUIRE(stored > 100);
  REQUIRE(stored < 1000);
  CHECK(store.queue->status().space == SpaceState::low);
  CHECK(store.queue->status().store_bytes > store.settings.max_size - (1U << 20));

  store.pass(hours{25});  // what is stored may go early now, though the file does not shrink
  CHECK(!held.get().error);
  CHECK(store.queue->status().space == SpaceState::ok);
  CHECK(store.ids().size() == 1);
}

TEST_CASE("max_size is a share of the file system unless it is given") {
  StoreFixture store;
  store.settings.max_size_percent = 50;
  store.disk.set_space({.total = 2 * reserve_bytes, .free = 100 * gib});
  store.open();
  store.pass(seconds{1});
  CHECK(store.queue->status().space == SpaceState::low);  // reserve and database are more than half
  store.disk.set_space({.total = 4 * reserve_bytes, .free = 100 * gib});
  store.pass(seconds{1});
  CHECK(store.queue->status().space == SpaceState::ok);
}

}  // namespace wxpush::queue
