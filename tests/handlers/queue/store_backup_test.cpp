// A backup is the store at one moment, whole or not there; a restored one lives on under a new
// incarnation.

#include "handlers/queue/store_backup.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/lock.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

namespace wxpush::queue {
namespace {

const Progress silent = [](const std::string&, std::uint64_t, std::uint64_t) {};

struct Backups : StoreFixture {
  crypto::SystemRandom random;
  SystemDisk system_disk;
  BackupPace pace{.rest = [](std::chrono::nanoseconds) {}};
  std::filesystem::path backup = temporary.path() / "backup";

  CheckReport back_up() {
    return queue::back_up(settings.directory, backup, settings.body_keys, clock, system_disk, pace,
                          silent);
  }
  CheckReport restore(const std::filesystem::path& to) {
    return queue::restore(backup, to, settings.body_keys, clock, system_disk, log, random, silent);
  }
  void store_events(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t n = first; n <= last; ++n) REQUIRE(!append(genuine(n)).error);
  }
  std::vector<std::string> names_in(const std::filesystem::path& directory) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      names.push_back(entry.path().filename().string());
    return names;
  }
};

template <class Body>
int exit_code(const Body& body) {
  try {
    body();
  } catch (const StoreOpenError& error) {
    return error.exit_code();
  }
  return 0;
}

}  // namespace

TEST_CASE("a backup beside a running server is what was stored when it began") {
  Backups store;
  store.open();
  store.store_events(1, 50);
  std::uint64_t next = 51;
  store.pace.rest = [&](std::chrono::nanoseconds) {  // the server goes on meanwhile
    store.store_events(next, next);
    ++next;
  };
  for (std::uint64_t n = 1000; n < 1400; ++n) store.append(genuine(n, std::string(4000, 'x')));
  const CheckReport report = store.back_up();
  CHECK(next > 51);
  CHECK(report.whole());
  CHECK(report.events == 450);
  CHECK(report.incarnation == store.queue->status().incarnation);
  CHECK(store.names_in(store.backup) == std::vector<std::string>{"queue.db"});
  CHECK((std::filesystem::status(store.backup / "queue.db").permissions() &
         std::filesystem::perms(0077)) == std::filesystem::perms::none);
}

TEST_CASE("between two steps a backup rests for as long as one took, but not while the log grows") {
  Backups store;
  store.open();
  for (std::uint64_t n = 1000; n < 1400; ++n) store.append(genuine(n, std::string(4000, 'x')));
  std::vector<std::chrono::nanoseconds> rests;
  store.pace.rest = [&](std::chrono::nanoseconds time) { rests.push_back(time); };
  const auto back_up_to = [&](const char* name) {
    rests.clear();
    return queue::back_up(
        store.settings.directory, store.temporary.path() / name, store.settings.body_keys,
        store.clock, store.system_disk, store.pace,
        [&](const std::string&, std::uint64_t, std::uint64_t) {
          store.clock.advance(std::chrono::milliseconds(7));  // each step takes so long
        });
  };
  CHECK(back_up_to("paced").whole());
  REQUIRE(!rests.empty());
  CHECK(std::ranges::all_of(rests, [](auto time) { return time == std::chrono::milliseconds(7); }));
  store.pace.hurry_at_log_bytes = 1;
  CHECK(back_up_to("hurried").whole());
  CHECK(rests.empty());
}

TEST_CASE("a store that was stopped or killed is copied likewise") {
  Backups store;
  store.open();
  store.store_events(1, 20);
  const std::filesystem::path killed = store.temporary.path() / "killed";
  store.copy_to(killed);
  store.close();
  CHECK(store.back_up().events == 20);
  store.settings.directory = killed;
  store.backup = store.temporary.path() / "second";
  CHECK(store.back_up().events == 20);
}

TEST_CASE("what exists is never written over, and what fails leaves nothing") {
  Backups store;
  CHECK(exit_code([&] { store.back_up(); }) == 69);
  store.open();
  store.store_events(1, 20);
  std::filesystem::create_directory(store.backup);
  CHECK(exit_code([&] { store.back_up(); }) == 65);
  std::filesystem::remove(store.backup);
  store.pace.most_log_bytes = 0;
  for (std::uint64_t n = 1000; n < 1400; ++n) store.append(genuine(n, std::string(4000, 'x')));
  CHECK(exit_code([&] { store.back_up(); }) == 69);
  store.pace.most_log_bytes = BackupPace{}.most_log_bytes;
  CHECK(store.names_in(store.temporary.path()) == std::vector<std::string>{"store"});
  store.close();
  flip_bit(store.settings.directory / "queue.db", 2 * 8192 + 8000, 1);
  CHECK(exit_code([&] { store.back_up(); }) == 74);
  CHECK(store.names_in(store.temporary.path()) == std::vector<std::string>{"store"});
}

TEST_CASE("a sync that fails fails the backup") {
  Backups store;
  store.open();
  store.store_events(1, 20);
  std::uint64_t n = 1;
  for (bool met = true; met; ++n) {
    FakeDisk broken;
    broken.on_sync(fail_nth(n, EIO));
    const int code = exit_code([&] {
      queue::back_up(store.settings.directory, store.backup, {}, store.clock, broken, store.pace,
                     silent);
    });
    met = broken.syncs() >= n;
    CAPTURE(n);
    CHECK(code == (met ? 74 : 0));
    std::filesystem::remove_all(store.backup);
  }
  CHECK(n > 3);
}

TEST_CASE("a restored store has what the backup has, and a new incarnation") {
  Backups store;
  store.open();
  store.store_events(1, 30);
  store.back_up();
  store.store_events(31, 35);
  const Incarnation former = store.queue->status().incarnation;
  store.close();
  store.settings.directory = store.temporary.path() / "restored";
  const CheckReport report = store.restore(store.settings.directory);
  CHECK(report.events == 30);
  CHECK(report.incarnation != former);
  store.open();
  CHECK(store.queue->status().incarnation == report.incarnation);
  CHECK(store.queue->status().restored_at == store.clock.wall());
  CHECK(store.append(genuine(30)).duplicate);
  const Appended again = store.append(genuine(31));
  CHECK_FALSE(again.duplicate);
  CHECK(again.id == 31);  // given a second time: that is what incarnations are for
  store.reopen();
  CHECK(store.queue->status().incarnation == report.incarnation);
}

TEST_CASE("nothing is restored over a store, beside a server, or from damage") {
  Backups store;
  store.open();
  store.store_events(1, 30);
  CHECK(exit_code([&] { store.restore(store.temporary.path() / "new"); }) == 69);
  store.back_up();
  CHECK(exit_code([&] { store.restore(store.settings.directory); }) == 75);
  store.close();
  CHECK(exit_code([&] { store.restore(store.settings.directory); }) == 65);
  flip_bit(store.backup / "queue.db", 2 * 8192 + 8000, 1);
  const std::filesystem::path target = store.temporary.path() / "target";
  CHECK(exit_code([&] { store.restore(target); }) == 74);
  CHECK_FALSE(std::filesystem::exists(target / "queue.db"));
  flip_bit(store.backup / "queue.db", 2 * 8192 + 8000, 1);
  std::ofstream(target / "restoring" / "queue.db") << "what one that was killed left";
  CHECK(exit_code([&] { store.restore(target); }) == 0);
  CHECK_FALSE(std::filesystem::exists(target / "restoring"));
}

TEST_CASE("every store has an incarnation of its own, also one of an older program") {
  Backups one;
  Backups other;
  one.open();
  other.open();
  CHECK(one.queue->status().incarnation != 0);
  CHECK(one.queue->status().incarnation != other.queue->status().incarnation);
  CHECK_FALSE(one.queue->status().restored_at.has_value());
  CHECK(to_text(0x0123456789abcdefULL) == "0123456789abcdef");
}

TEST_CASE("nothing is copied of what would not be whole") {
  Backups store;
  store.open();
  for (std::uint64_t n = 1; n <= 20; ++n) REQUIRE(!store.append(genuine(n)).error);
  CHECK(exit_code([&] {
          queue::restore(store.settings.directory, store.temporary.path() / "new", {}, store.clock,
                         store.system_disk, store.log, store.random, silent);
        }) == 75);  // it changes while it is copied
  const std::filesystem::path killed = store.temporary.path() / "killed";
  store.copy_to(killed);
  flip_bit(StoreFiles(killed).wal, 32 + 24 + 8216 * 2 + 4000, 3);
  CHECK(exit_code([&] {
          queue::back_up(killed, store.backup, {}, store.clock, store.system_disk, store.pace,
                         silent);
        }) == 74);
}

}  // namespace wxpush::queue
