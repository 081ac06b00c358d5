// Writes that fail: without space the batch rolls back, its events are held and stored once when
// there is space again, with no restart; any other error is final. Tried for the n-th write, for
// every n.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <set>

namespace wxpush::queue {
namespace {

bool answered(const std::future<Appended>& future) {
  return future.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

// Appends, and lets the clock run until it is answered. Returns whether it was held.
bool store_in_the_end(StoreFixture& store, std::uint64_t event) {
  std::future<Appended> future = store.append_later(numbered(event));
  store.queue->wait_until_idle();
  const bool held = !answered(future);
  if (held) {
    CHECK(store.queue->status().space == SpaceState::full);
    store.pass(std::chrono::seconds{1});
  }
  REQUIRE(answered(future));
  const Appended done = future.get();
  CHECK_MESSAGE(!done.error, done.error.message());
  CHECK(!done.duplicate);
  return held;
}

void check_stored_once(const StoreFixture& store, std::uint64_t events) {
  std::set<std::string> bodies;
  RowId last = 0;
  for (const StoredEvent& found : store.all()) {
    CHECK(found.id > last);
    last = found.id;
    CHECK(bodies.insert(found.body).second);
  }
  CHECK(bodies.size() == events);
}

void fill_at_every_write(int error) {
  std::uint64_t times_held = 0;
  for (std::uint64_t n = 1;; ++n) {
    CAPTURE(n);
    StoreFixture store;
    store.settings.wal_checkpoint_pages = 16;
    store.open();
    store.disk.on_write(fail_nth(n, error));
    for (std::uint64_t event = 1; event <= 8; ++event) {
      times_held += store_in_the_end(store, event) ? 1U : 0U;
    }
    const bool reached = store.disk.writes() >= n;
    CHECK(!store.queue->status().failed);
    store.reopen();
    check_stored_once(store, 8);
    for (std::uint64_t event = 1; event <= 8; ++event) CHECK(store.append(event).duplicate);
    if (!reached) break;
  }
  CHECK(times_held >= 8);
}

}  // namespace

TEST_CASE("no space at any one write: rolled back, held, stored once") {
  fill_at_every_write(ENOSPC);
}

TEST_CASE("over quota at any one write: the same") {
  fill_at_every_write(EDQUOT);
}

TEST_CASE("no space while opening: refused with 74, and opened when there is") {
  for (std::uint64_t n = 1;; ++n) {
    CAPTURE(n);
    StoreFixture store;
    store.disk.on_write([n](std::uint64_t nth, StoreFile file) {
      return nth >= n && file != StoreFile::reserve ? ENOSPC : 0;
    });
    int code = 0;
    try {
      store.open();
    } catch (const StoreOpenError& error) {
      code = error.exit_code();
    }
    if (code == 0) break;
    CHECK(code == 74);
    store.disk.on_write({});
    store.open();
    CHECK(!store.append(1).error);
  }
}

TEST_CASE("any other error of a write is final, and what was acknowledged stays") {
  for (std::uint64_t n = 1;; ++n) {
    CAPTURE(n);
    StoreFixture store;
    store.settings.wal_checkpoint_pages = 16;
    store.open();
    store.disk.on_write(fail_nth(n, EIO));
    std::uint64_t acknowledged = 0;
    while (acknowledged < 8 && !store.append(acknowledged + 1).error) ++acknowledged;
    store.queue->wait_until_idle();
    if (store.disk.writes() < n) break;
    CHECK(store.queue->status().failed);
    CHECK(store.append(100).error == QueueError::store_failed);
    store.disk.on_write({});
    store.reopen();
    for (std::uint64_t event = 1; event <= acknowledged; ++event) {
      CHECK(store.append(event).duplicate);
    }
  }
}

TEST_CASE("while the disk is full: known events are answered, new ones held; then all are stored") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.disk.on_write(fail_from(1, ENOSPC));
  std::vector<std::future<Appended>> held;
  for (std::uint64_t event = 2; event <= 5; ++event) {
    held.push_back(store.append_later(numbered(event)));
  }
  for (int seconds = 0; seconds < 5; ++seconds) {
    store.pass(std::chrono::seconds{1});
    CHECK(store.queue->status().space == SpaceState::full);
    CHECK(store.append(1).duplicate);
  }
  for (const std::future<Appended>& future : held) CHECK(!answered(future));
  std::future<Appended> again = store.append_later(numbered(2));  // joins the held one
  CHECK(store.queue->status().waiting == 5);

  store.disk.on_write({});
  store.pass(std::chrono::seconds{1});
  CHECK(store.queue->status().space == SpaceState::ok);
  for (std::future<Appended>& future : held) CHECK(!future.get().duplicate);
  CHECK(again.get().duplicate);
  check_stored_once(store, 5);
}

TEST_CASE("ids that rolled back are not used again") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.disk.on_write(fail_nth(1, ENOSPC));
  CHECK(store_in_the_end(store, 2));
  CHECK(store.ids() == std::vector<RowId>{1, 3});
  store.reopen();
  CHECK(store.append(3).id == 4);
}

TEST_CASE("the reserve is given back to a full disk, and taken again before it counts as free") {
  StoreFixture store;
  store.open();
  const std::filesystem::path reserve = StoreFiles(store.settings.directory).reserve;
  CHECK(std::filesystem::file_size(reserve) == reserve_bytes);
  store.disk.on_write([](std::uint64_t nth, StoreFile file) {
    return nth == 1 || file == StoreFile::reserve ? ENOSPC : 0;
  });
  std::future<Appended> held = store.append_later(numbered(1));
  store.queue->wait_until_idle();
  CHECK(std::filesystem::file_size(reserve) == 0);
  store.pass(std::chrono::seconds{1});
  CHECK(!answered(held));
  store.disk.on_write({});
  store.disk.set_space({.total = 1ULL << 40, .free = reserve_bytes - 1});
  store.pass(std::chrono::seconds{1});
  CHECK(!answered(held));  // room for the reserve alone would be full again at once
  store.disk.set_space({.total = 1ULL << 40, .free = reserve_bytes});
  store.pass(std::chrono::seconds{1});
  CHECK(!held.get().error);
  CHECK(std::filesystem::file_size(reserve) == reserve_bytes);
}

TEST_CASE("delivery marks become durable while events are held") {
  StoreFixture store;
  store.open(false);
  const HandlerRecord handler = store.queue->register_handler("backend", {}, {}, true, "");
  store.queue->start({});
  store.append_range(1, 3);
  store.disk.on_write([](std::uint64_t nth, StoreFile file) {
    return nth == 1 || file == StoreFile::reserve ? ENOSPC : 0;
  });
  std::future<Appended> held = store.append_later(numbered(4));
  store.queue->wait_until_idle();
  store.queue->settle(handler.number, 3);
  store.pass(std::chrono::milliseconds{100});
  CHECK(!answered(held));
  CHECK(store.number("SELECT cursor FROM handler") == 3);
}

TEST_CASE("stopping a full store answers what it holds with stopped") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.disk.on_write(fail_from(1, ENOSPC));
  std::future<Appended> held = store.append_later(numbered(2));
  store.queue->wait_until_idle();
  store.queue->stop();
  CHECK(held.get().error == QueueError::stopped);
  store.disk.on_write({});
  store.reopen();
  CHECK(store.append(1).duplicate);
  CHECK(!store.append(2).duplicate);
}

}  // namespace wxpush::queue
