// What is wrong with a store is found and named; what is right is not.

#include "handlers/queue/store_check.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/lock.h"
#include "handlers/queue/vfs.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

namespace wxpush::queue {
namespace {

CheckReport check(const std::filesystem::path& directory, const std::vector<BodyKey>& keys = {}) {
  return check_store(directory, keys, [](const std::string&, std::uint64_t, std::uint64_t) {});
}
CheckReport check(const StoreFixture& store) {
  return check(store.settings.directory);
}

// A store with filed events, several generations, and events that wait in every list of a handler.
void make_store(StoreFixture& store) {
  store.settings.recent_ids = 16;
  store.settings.generation_ids = 20;
  store.open(false);
  const HandlerRecord handler = store.queue->register_handler("backend", {}, {}, true, "");
  store.queue->start({});
  for (std::uint64_t n = 1; n <= 80; ++n)
    REQUIRE(!store.append(genuine(n, "A" + std::to_string(n % 7))).error);
  const auto change = [&](std::uint64_t n, EventPlace place) {
    const NewEvent event = genuine(n, "A" + std::to_string(n % 7));
    return LaneChange{.id = n, .lane = lane_of(event.event_id, event.order_key), .place = place};
  };
  store.queue->mark(handler.number, {1,
                                     40,
                                     {change(3, EventPlace::retry), change(10, EventPlace::parked),
                                      change(5, EventPlace::dead)}});
  store.queue->flush_marks();
  store.queue->wait_until_idle();
}

// As a defect of ours would, through the VFS: the pages' checksums are right.
void damage(const StoreFixture& store, const std::string& sql) {
  SystemDisk disk;
  DiskHealth health;
  const Vfs vfs(disk, health);
  Connection(StoreFiles(store.settings.directory).database.string(), {.vfs = vfs.name()})
      .execute(sql);
}

bool finds(const CheckReport& report, const std::string& kind, std::optional<RowId> id) {
  return std::ranges::any_of(report.findings, [&](const Finding& finding) {
    return finding.kind == kind && finding.id == id;
  });
}

}  // namespace

TEST_CASE("a store is whole: beside its server, stopped, and killed") {
  StoreFixture store;
  make_store(store);
  const CheckReport beside = check(store);
  CHECK(beside.whole());
  CHECK(beside.served);
  CHECK(beside.events == 80);
  const std::filesystem::path copy = store.temporary.path() / "copy";
  store.copy_to(copy);
  const CheckReport killed = check(copy);
  CHECK(killed.whole());
  CHECK_FALSE(killed.served);
  store.close();
  const CheckReport stopped = check(store);
  for (const Finding& finding : stopped.findings) MESSAGE(finding.kind << ": " << finding.what);
  CHECK(stopped.whole());
  CHECK(stopped.events == 80);
  CHECK(stopped.last_id == 80);
  CHECK(stopped.checksums);
  CHECK(stopped.incarnation != 0);
}

TEST_CASE("each kind of damage is found and named") {
  struct Case {
    const char* sql;
    const char* kind;
    std::optional<RowId> id;
  };
  const Case cases[] = {
      {"UPDATE event SET body = CAST(replace(body, '102', '103') AS BLOB) WHERE id = 17", "body",
       17},
      {"UPDATE event SET appid = 'wx0' WHERE id = 18", "body", 18},
      {"UPDATE event SET order_hash = order_hash + 1 WHERE id = 19", "order", 19},
      {"UPDATE meta SET value = 81 WHERE key = 'events'", "counter", std::nullopt},
      {"UPDATE meta SET value = 80 WHERE key = 'next_id'", "counter", 80},
      {"DELETE FROM known_1 WHERE id = 2", "index", 2},
      {"DELETE FROM orders_1 WHERE id = 3", "index", 3},
      {"UPDATE retry SET lane = lane + 1", "lane", 3},
      {"UPDATE parked SET lane = lane + 1", "lane", 10},
      {"UPDATE dead SET id = 1000", "lane", 1000},
      {"UPDATE handler SET number = 9", "lane", 3},
      {"INSERT INTO event SELECT 81, event_id, app, appid, type, order_key, order_hash, kind, "
       "received_at, event_time, codec, key_number, body FROM event WHERE id = 80",
       "twice", 81},
  };
  for (const Case& one : cases) {
    CAPTURE(one.sql);
    StoreFixture store;
    make_store(store);
    store.close();
    damage(store, one.sql);
    const CheckReport report = check(store);
    CHECK_FALSE(report.whole());
    CHECK(finds(report, one.kind, one.id));
  }
}

TEST_CASE("a page that cannot be read costs the events on it, which are named, and no others") {
  StoreFixture store;
  make_store(store);
  store.close();
  const StoreFiles files(store.settings.directory);
  // A leaf of the events, found by what stands on it.
  std::uint64_t page = 0;
  {
    std::ifstream file(files.database, std::ios::binary);
    std::string bytes(8192, '\0');
    for (std::uint64_t n = 0; file.read(bytes.data(), 8192); ++n) {
      if (bytes[0] == 0x0D && bytes.find("\"n\":40}") != std::string::npos) page = n;
    }
  }
  REQUIRE(page != 0);
  flip_bit(files.database, page * 8192 + 5000, 4);
  const CheckReport report = check(store);
  CHECK_FALSE(report.whole());
  CHECK(report.events > 20);
  CHECK(report.events < 80);
  CHECK(report.last_id == 80);  // what lies behind was read
  CHECK(std::ranges::any_of(report.findings,
                            [](const Finding& one) { return one.kind == "unreadable" && one.id; }));
}

TEST_CASE("what cannot be opened is a finding; where there is no store there is none") {
  StoreFixture store;
  make_store(store);
  store.close();
  flip_bit(StoreFiles(store.settings.directory).database, 3000, 0);
  const CheckReport report = check(store);
  CHECK(finds(report, "database", std::nullopt));
  CHECK_THROWS_AS(check(store.temporary.path() / "nowhere"), StoreOpenError);
}

TEST_CASE("a damaged log is a finding") {
  StoreFixture store;
  store.open();
  for (std::uint64_t n = 1; n <= 10; ++n) REQUIRE(!store.append(genuine(n)).error);
  const StoreFiles copy(store.temporary.path() / "copy");
  store.copy_to(copy.directory);
  flip_bit(copy.wal, 32 + 24 + 100, 0);
  CHECK(finds(check(copy.directory), "log", std::nullopt));
}

TEST_CASE("sealed bodies are opened where their key is at hand, and counted where it is not") {
  crypto::SystemRandom random;
  const std::vector<BodyKey> keys{BodyKey(std::string(BodyKey::size, 'k'))};
  StoreFixture store;
  store.settings.body_keys = keys;
  store.settings.random = &random;
  make_store(store);
  store.close();
  const CheckReport opened = check(store.settings.directory, keys);
  CHECK(opened.whole());
  CHECK(opened.sealed == 0);
  const CheckReport closed = check(store);
  CHECK(closed.whole());
  CHECK(closed.sealed == 80);
  damage(store, "UPDATE event SET event_id = zeroblob(32) WHERE id = 17");
  CHECK(finds(check(store.settings.directory, keys), "body", 17));
}

TEST_CASE("a look whether the store is served keeps nobody from serving it") {
  StoreFixture store;
  std::filesystem::create_directories(store.settings.directory);
  const auto file = StoreFiles(store.settings.directory).lock;
  const int look = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(::flock(look, LOCK_SH) == 0);
  std::thread ends([&] { ::close(look); });
  CHECK_NOTHROW(Lock{file});
  ends.join();
}

TEST_CASE("whether a process has the store") {
  StoreFixture store;
  std::filesystem::create_directories(store.settings.directory);
  CHECK_FALSE(is_served(store.settings.directory));
  {
    const Lock lock(StoreFiles(store.settings.directory).lock);
    CHECK(is_served(store.settings.directory));
  }
  CHECK_FALSE(is_served(store.settings.directory));
}

}  // namespace wxpush::queue
