// A failed sync is final: whatever was asked before it and is not answered yet, and everything
// after it, is not acknowledged, until a new start has synced what it found. Tried for the n-th
// sync, for every n.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace wxpush::queue {
namespace {

struct Opening {
  bool failed = false;
  int exit_code = 0;
};

Opening try_to_open(StoreFixture& store) {
  try {
    store.open();
    return {};
  } catch (const StoreOpenError& error) {
    return {.failed = true, .exit_code = error.exit_code()};
  }
}

// Files of a store that was killed: 10 events, none of them written back from the log.
void leave_a_killed_store(const std::filesystem::path& directory) {
  StoreFixture killed;
  killed.open();
  killed.append_range(1, 10);
  killed.copy_to(directory);
}

}  // namespace

TEST_CASE("opening a new store: no failed sync is overlooked") {
  std::uint64_t n = 1;
  for (bool reached = true; reached; ++n) {
    StoreFixture store;
    store.disk.on_sync(fail_nth(n, EIO));
    const Opening opening = try_to_open(store);
    reached = store.disk.syncs() >= n;
    CAPTURE(n);
    CHECK(opening.failed == reached);
    if (!opening.failed) break;
    CHECK(opening.exit_code == 74);
    store.disk.on_sync({});
    CHECK(!try_to_open(store).failed);
    CHECK(!store.append(1).error);
  }
  CHECK(n > 4);  // parent directory, database, log, directory at least
}

TEST_CASE("opening a killed store: no failed sync is overlooked, and nothing is lost by it") {
  std::uint64_t n = 1;
  for (bool reached = true; reached; ++n) {
    StoreFixture store;
    leave_a_killed_store(store.settings.directory);
    store.disk.on_sync(fail_nth(n, EIO));
    const Opening opening = try_to_open(store);
    reached = store.disk.syncs() >= n;
    CAPTURE(n);
    CHECK(opening.failed == reached);
    if (!opening.failed) break;
    CHECK(opening.exit_code == 74);
    store.disk.on_sync({});
    REQUIRE(!try_to_open(store).failed);
    for (std::uint64_t event = 1; event <= 10; ++event) CHECK(store.append(event).duplicate);
  }
  CHECK(n > 4);  // log, database, the first commit, directory
}

TEST_CASE("a killed store answers no duplicate before its own checkpoint was synced") {
  std::vector<StoreFile> synced;  // outlives the store, which syncs until its end
  StoreFixture store;
  leave_a_killed_store(store.settings.directory);
  store.disk.on_sync([&](std::uint64_t, StoreFile file) {
    synced.push_back(file);
    return 0;
  });
  store.open(false);
  // First the names of the directories that lead to it.
  synced.erase(synced.begin(), std::find(synced.begin(), synced.end(), StoreFile::wal));
  // The log twice: by us, once it was written again, and by SQLite's checkpoint; in between LOCK,
  // which says that the log may be empty from now on.
  CHECK(synced == std::vector<StoreFile>{StoreFile::wal, StoreFile::other, StoreFile::wal,
                                         StoreFile::database, StoreFile::wal, StoreFile::wal,
                                         StoreFile::directory});
}

TEST_CASE(
    "a new log's name is synced with its first sync, and looked at: SQLite drops the answer") {
  std::vector<StoreFile> synced;  // outlives the store, which syncs until its end
  StoreFixture store;
  store.disk.on_sync([&](std::uint64_t, StoreFile file) {
    synced.push_back(file);
    return 0;
  });
  store.open(false);
  for (const StoreFile file :
       {StoreFile::other, StoreFile::wal}) {  // a journal, for a while, first
    const auto first = std::find(synced.begin(), synced.end(), file);
    REQUIRE(first != synced.end());
    REQUIRE(std::next(first) != synced.end());
    CHECK(*std::next(first) == StoreFile::directory);
  }
}

TEST_CASE("a start writes a killed store's log again before it trusts a sync of it") {
  std::vector<StoreFile> done;  // outlives the store
  StoreFixture store;
  leave_a_killed_store(store.settings.directory);
  store.disk.on_write([&](std::uint64_t, StoreFile file) {
    done.push_back(file);
    return 0;
  });
  store.disk.on_sync([&](std::uint64_t, StoreFile file) {
    if (file != StoreFile::directory) done.push_back(file);
    return 0;
  });
  store.open(false);
  REQUIRE(done.size() > 3);
  const auto first = std::find(done.begin(), done.end(), StoreFile::wal);
  const auto database = std::find(done.begin(), done.end(), StoreFile::database);
  CHECK(database - first >= 3);  // written and synced by us, synced by SQLite's checkpoint
}

TEST_CASE("in operation: nothing is acknowledged after a failed sync, and nothing before it lost") {
  std::uint64_t n = 1;
  for (bool reached = true; reached; ++n) {
    CAPTURE(n);
    int told = 0;
    StoreFixture store;
    store.settings.wal_checkpoint_pages = 16;  // so that checkpoints fail, too
    store.observer.failed = [&](const std::string&) { ++told; };
    store.open();
    store.disk.on_sync(fail_nth(n, EIO));
    std::set<std::uint64_t> acknowledged;
    std::uint64_t event = 1;
    for (; event <= 12; ++event) {
      const Appended done = store.append(event);
      if (!done.error) {
        acknowledged.insert(event);
      } else {
        CHECK(done.error == QueueError::store_failed);
        break;
      }
    }
    if (event > 12) {  // a checkpoint after the last one may have failed
      store.append_later(numbered(99)).wait();
    }
    reached = store.disk.syncs() >= n;
    CHECK(store.queue->status().failed == reached);
    if (!reached) break;

    const std::uint64_t syncs = store.disk.syncs();
    for (std::uint64_t later = 100; later < 105; ++later) {
      CHECK(store.append(later).error == QueueError::store_failed);
    }
    CHECK(store.append(1).error == QueueError::store_failed);  // not even a known one
    CHECK(!store.queue->status().failure.empty());
    store.close();
    CHECK(store.disk.syncs() == syncs);  // nothing was tried again
    CHECK(told == 1);

    store.disk.on_sync({});
    store.open();
    for (const std::uint64_t known : acknowledged) CHECK(store.append(known).duplicate);
    CHECK(!store.append(event).error);  // stored or not before: once now
    CHECK(store.append(event).duplicate);
    std::set<std::string> bodies;
    for (const StoredEvent& found : store.all()) CHECK(bodies.insert(found.body).second);
  }
  CHECK(n > 12);
}

TEST_CASE("all who wait for the same commit are told that it failed") {
  StoreFixture store;
  store.open();
  store.disk.hold_syncs();
  std::vector<std::future<Appended>> waiting;
  waiting.push_back(store.append_later(numbered(1)));
  store.disk.wait_until_held();
  waiting.push_back(store.append_later(numbered(1)));
  waiting.push_back(store.append_later(numbered(2)));
  store.disk.on_sync([](std::uint64_t, StoreFile) { return EIO; });  // also the one that is held
  store.disk.release_syncs();
  for (std::future<Appended>& future : waiting)
    CHECK(future.get().error == QueueError::store_failed);
  CHECK(store.queue->status().failed);
}

TEST_CASE("a full disk is no excuse for a failed sync") {
  StoreFixture store;
  store.open();
  store.disk.on_sync(fail_nth(1, ENOSPC));
  CHECK(store.append(1).error == QueueError::store_failed);
}

TEST_CASE("a handler cannot be registered on a disk that fails") {
  StoreFixture store;
  store.open(false);
  store.disk.on_sync(fail_nth(1, EIO));
  CHECK_THROWS_AS(store.queue->register_handler("backend", {}, {}, true, ""), StoreOpenError);
}

TEST_CASE("a stop whose last checkpoint cannot be synced says so") {
  std::string failure;
  StoreFixture store;
  store.observer.failed = [&](const std::string& what) { failure = what; };
  store.open();
  store.append(1);
  store.disk.on_sync(fail_nth(1, EIO));
  store.queue->stop();
  CHECK(store.queue->status().failed);
  CHECK(!failure.empty());
}

}  // namespace wxpush::queue
