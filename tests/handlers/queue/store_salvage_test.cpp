// What a damaged store still holds is saved as it was: nothing is invented, nothing damaged is
// served.

#include "handlers/queue/store_salvage.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/wal_file.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>

namespace wxpush::queue {
namespace {

constexpr std::uint64_t events = 200;
constexpr std::uint64_t page = 8192;

const BodyKey the_key(std::string(BodyKey::size, 'k'));
const Progress silent = [](const std::string&, std::uint64_t, std::uint64_t) {};

struct Damaged : StoreFixture {
  crypto::SystemRandom random;
  SystemDisk system_disk;
  StoreFiles files{settings.directory};
  std::filesystem::path target = temporary.path() / "saved";

  explicit Damaged(const std::vector<BodyKey>& body_keys = {}) {
    settings.body_keys = body_keys;
    settings.random = &random;
    settings.recent_ids = 32;
    open(false);
    const HandlerRecord handler = queue->register_handler("backend", {}, {}, true, "");
    queue->start({});
    for (std::uint64_t n = 1; n <= events; ++n)
      REQUIRE(!append(genuine(n, "A" + std::to_string(n % 7))).error);
    const auto lane = [](std::uint64_t n) {
      const NewEvent event = genuine(n, "A" + std::to_string(n % 7));
      return lane_of(event.event_id, event.order_key);
    };
    queue->mark(handler.number,
                {1,
                 100,
                 {{.id = 3, .lane = lane(3), .place = EventPlace::retry, .error = "503"},
                  {.id = 10, .lane = lane(10), .place = EventPlace::parked},
                  {.id = 5, .lane = lane(5), .place = EventPlace::dead, .error = "410"},
                  {.id = 110, .lane = lane(110), .place = EventPlace::settled}}});
    queue->flush_marks();
    close();
  }

  SalvageReport salvage() {
    return queue::salvage(settings.directory, target, settings.body_keys, clock, system_disk,
                          random, silent);
  }

  // Serves what was saved: each event is what was stored under its id, marks are what they were.
  void check_saved(std::uint64_t least, bool marks = true) {
    settings.directory = target;
    open(false);
    const HandlerRecord handler = queue->register_handler("backend", {}, {}, false, "");
    const auto reader_of_it = queue->reader();
    if (marks) {
      CHECK(handler.cursor == 100);
      CHECK(reader_of_it->dead_count(handler.number) == 1);
      const LaneState lanes = reader_of_it->lane_state(handler.number, false);
      CHECK(lanes.retries.size() == 1);
      CHECK(lanes.parked == 1);
    }
    std::uint64_t found = 0;
    for (const StoredEvent& event : all()) {
      const NewEvent was = genuine(event.id, "A" + std::to_string(event.id % 7));
      CHECK(event.event_id == was.event_id);
      CHECK(event.body == was.body);
      CHECK(event.type == was.type);
      CHECK(event.order_key == was.order_key);
      CHECK(event.app == was.app);
      ++found;
    }
    CHECK(found >= least);
    queue->start({});
    CHECK(append(genuine(events + 1)).id >= events + 1);  // no id is given twice
    close();
  }
};

constexpr std::uint64_t logged_events = 30;

// A server with events whose store is still in its log alone.
struct Running : StoreFixture {
  Running() {
    open();
    for (std::uint64_t n = 1; n <= logged_events; ++n) REQUIRE(!append(genuine(n)).error);
  }
};

// What is left of it when it is killed now.
struct Killed : StoreFixture {
  explicit Killed(const Running& running, bool with_lock = false) {
    running.copy_to(files.directory);
    if (with_lock)
      std::filesystem::copy_file(StoreFiles(running.settings.directory).lock, files.lock);
  }
  SalvageReport salvage() {
    return queue::salvage(files.directory, temporary.path() / "saved", {}, clock, system_disk,
                          random, silent);
  }
  crypto::SystemRandom random;
  SystemDisk system_disk;
  StoreFiles files{settings.directory};
};

// Where in the file this text stands; 0: nowhere.
std::uint64_t place_of(const std::filesystem::path& file, const std::string& text) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  const std::size_t at = bytes.find(text);
  return at == std::string::npos ? 0 : at;
}

void fill(const std::filesystem::path& file, std::uint64_t at, std::size_t size) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(at));
  stream << std::string(size, '\x5a');
}

}  // namespace

TEST_CASE("of a store that is whole everything is saved") {
  Damaged store;
  const SalvageReport report = store.salvage();
  CHECK(report.everything());
  CHECK(report.events == events);
  CHECK(report.counted == events);
  store.check_saved(events);
}

TEST_CASE("one wrong bit anywhere costs nothing: it is found and put right") {
  for (const std::uint64_t at :
       {std::uint64_t{7}, std::uint64_t{20}, std::uint64_t{61}, std::uint64_t{4000}, page + 3,
        2 * page + 3, 2 * page + 8190, 3 * page + 5, 9 * page + 5000}) {
    CAPTURE(at);
    Damaged store;
    flip_bit(store.files.database, at, 4);
    const SalvageReport report = store.salvage();
    CHECK(report.everything());
    CHECK(report.bits_put_right == 1);
    store.check_saved(events);
  }
}

TEST_CASE("a page of events that is gone costs the events on it, which are named") {
  Damaged store;
  const std::uint64_t at = place_of(store.files.database, "\"n\":120}");
  REQUIRE(at > 0);
  fill(store.files.database, at / page * page, page);
  const SalvageReport report = store.salvage();
  CHECK(report.counted == events);
  CHECK(report.events < events);
  CHECK(report.events > events - 40);
  REQUIRE_FALSE(report.missing.empty());
  std::uint64_t missing = 0;
  for (const auto& [from, to] : report.missing) missing += to - from + 1;
  CHECK(missing + report.events == events);
  store.check_saved(report.events);
}

TEST_CASE("the oldest events, which are gone with their page, are told by their number") {
  Damaged store;
  const std::uint64_t at = place_of(store.files.database, "\"n\":1}");
  REQUIRE(at > 0);
  fill(store.files.database, at / page * page, page);
  const SalvageReport report = store.salvage();
  CHECK(report.events < events);
  REQUIRE_FALSE(report.lost.empty());
  CHECK(report.lost.back() ==
        std::to_string(events - report.events) + " events, older than those that were found");
}

TEST_CASE("the root of the events that is gone costs no event") {
  Damaged store;
  const auto root = static_cast<std::uint64_t>(
      store.number("SELECT rootpage FROM sqlite_schema WHERE name = 'event'"));
  fill(store.files.database, (root - 1) * page, page);
  const SalvageReport report = store.salvage();
  CHECK(report.events == events);
  CHECK(report.damaged_pages == 1);
  store.check_saved(events);
}

TEST_CASE("without its first page a store keeps its events, and says what else is lost") {
  Damaged store;
  fill(store.files.database, 0, page);
  const SalvageReport report = store.salvage();
  CHECK(report.events == events);
  CHECK_FALSE(report.lost.empty());
  CHECK_FALSE(report.everything());
  store.check_saved(events, false);
}

TEST_CASE("what was cut off is lost, and the rest is not") {
  Damaged store;
  const std::uint64_t size = std::filesystem::file_size(store.files.database);
  std::filesystem::resize_file(store.files.database, size * 3 / 4 + 100);
  const SalvageReport report = store.salvage();
  CHECK(report.events > 10);
  CHECK(report.events < events);
  store.check_saved(report.events, false);
}

TEST_CASE("where the lists of a handler are gone, events come again rather than not at all") {
  Damaged store;
  const auto root = static_cast<std::uint64_t>(
      store.number("SELECT rootpage FROM sqlite_schema WHERE name = 'dead'"));
  fill(store.files.database, (root - 1) * page, page);
  const SalvageReport report = store.salvage();
  CHECK(report.events == events);
  CHECK(report.lost.size() == 1);
  store.settings.directory = store.target;
  store.open(false);
  CHECK(store.queue->handlers().front().cursor == 0);
}

TEST_CASE("an event that is not what its event_id says is put aside, and told") {
  Damaged store;
  Connection(store.files.database.string(), {})
      .execute("UPDATE event SET body = CAST(replace(body, '102', '302') AS BLOB) WHERE id = 42");
  const SalvageReport report = store.salvage();
  CHECK(report.aside == std::vector<RowId>{42});
  CHECK(report.events == events - 1);
  CHECK(std::filesystem::exists(store.target / "aside" / "42"));
  store.check_saved(events - 1);
}

TEST_CASE("when an event on a damaged page was received is told by its neighbours") {
  Damaged store;
  const std::int64_t was = store.number("SELECT received_at FROM event WHERE id = 42");
  {
    Connection connection(store.files.database.string(), {});
    connection.execute(
        "UPDATE event SET received_at = received_at + 500000000, event_time = 7 WHERE id = 42");
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const std::uint64_t next = place_of(store.files.database, "\"n\":43}");
  REQUIRE(next > 0);
  for (const unsigned bit : {0U, 1U}) flip_bit(store.files.database, next, bit);
  const SalvageReport report = store.salvage();
  CHECK(report.damaged_pages == 1);
  REQUIRE(report.aside.size() == 1);
  CHECK(report.aside.front() == 43);
  store.settings.directory = store.target;
  CHECK(store.number("SELECT received_at FROM event WHERE id = 42") == was);
  CHECK(store.number("SELECT event_time FROM event WHERE id = 42") ==
        store.number("SELECT event_time FROM event WHERE id = 200"));
}

TEST_CASE("commits behind damage in the log are saved") {
  const Running running;
  for (const std::uint64_t at : {std::uint64_t{18}, std::uint64_t{32 + 24 + 8216 * 4 + 4000},
                                 std::uint64_t{32 + 8216 * 6 + 17}}) {
    CAPTURE(at);
    Killed killed(running);
    flip_bit(killed.files.wal, at, 3);
    CHECK(killed.salvage().events == logged_events);
  }
}

// The process was killed during a commit, and LOCK knows of the one before it. What hits the head
// of the frame that ends that one must not make a single torn commit of the two.
TEST_CASE("where damage hides the end of the last commit that LOCK knows of, it is told") {
  Running running;
  const std::filesystem::path lock = running.temporary.path() / "before";
  std::filesystem::copy_file(StoreFiles(running.settings.directory).lock, lock);
  constexpr std::uint64_t frame = 24 + page;
  const auto known = std::filesystem::file_size(StoreFiles(running.settings.directory).wal) / frame;
  REQUIRE(!running.append(genuine(logged_events + 1)).error);
  Killed killed(running);
  std::filesystem::copy_file(lock, killed.files.lock);
  const std::uint64_t head = 32 + (known - 1) * frame;
  fill(killed.files.wal, head - head % 512, 512);
  const SalvageReport report = killed.salvage();
  CHECK(report.events < logged_events + 1);
  CHECK_FALSE(report.everything());
}

TEST_CASE("how large the database is, is not believed of a damaged frame") {
  const Running running;
  constexpr std::uint64_t frame = 24 + page;
  for (const auto& [byte, bit] : {std::pair{4U, 3U}, std::pair{7U, 4U}, std::pair{7U, 0U}}) {
    CAPTURE(byte);
    Killed killed(running, true);
    flip_bit(killed.files.wal, std::filesystem::file_size(killed.files.wal) - frame + byte, bit);
    CHECK(killed.salvage().events == logged_events);
  }
}

TEST_CASE("a log without its first sector is told, with LOCK and without, and saved") {
  const Running running;
  for (const bool with_lock : {true, false}) {
    CAPTURE(with_lock);
    Killed killed(running, with_lock);
    std::fstream(killed.files.wal, std::ios::in | std::ios::out | std::ios::binary)
        << std::string(512, '\0');
    CHECK(inspect_log(killed.files).damaged);
    CHECK(killed.salvage().events == logged_events);
  }
}

TEST_CASE("where all is in the log, the database's first page is not needed") {
  const Running running;
  Killed killed(running);
  fill(killed.files.database, 0, 512);
  const SalvageReport report = killed.salvage();
  CHECK(report.events == logged_events);
  CHECK(report.everything());
}

TEST_CASE("erased events do not come back") {
  Damaged store;
  store.settings.directory = store.files.directory;
  Connection(store.files.database.string(), {})
      .execute(
          "DELETE FROM event WHERE id BETWEEN 20 AND 90; "
          "UPDATE meta SET value = 129 WHERE key = 'events'");
  const SalvageReport report = store.salvage();
  CHECK(report.events == events - 71);
  CHECK(report.aside.empty());
}

TEST_CASE("sealed bodies are saved sealed, and their keys keep their numbers") {
  Damaged store({the_key});
  const SalvageReport report = store.salvage();
  CHECK(report.everything());
  CHECK(place_of(store.target / "queue.db", "update_waybill_status\",\"") == 0);
  store.check_saved(events);
}

TEST_CASE("where the keys' numbers are lost, the bodies tell them; without the key it is told") {
  Damaged store({the_key});
  const auto root = static_cast<std::uint64_t>(
      store.number("SELECT rootpage FROM sqlite_schema WHERE name = 'body_key'"));
  fill(store.files.database, (root - 1) * page, page);
  CHECK(store.salvage().everything());
  std::filesystem::remove_all(store.target);
  store.settings.body_keys.clear();
  const SalvageReport blind = store.salvage();
  CHECK(blind.events == events);
  REQUIRE(blind.lost.size() == 1);
  CHECK(blind.lost.front().find("which keys 200 bodies are sealed with") != std::string::npos);
  std::filesystem::remove_all(store.target);
  store.settings.body_keys = {the_key};
  CHECK(store.salvage().everything());
  store.check_saved(events);
}

TEST_CASE("a sealed body that its key does not open is put aside") {
  Damaged store({the_key});
  Connection(store.files.database.string(), {})
      .execute("UPDATE event SET body = CAST(zeroblob(100) AS BLOB) WHERE id = 42");
  const SalvageReport report = store.salvage();
  CHECK(report.aside == std::vector<RowId>{42});
  store.check_saved(events - 1);
}

TEST_CASE("a store in use is not touched, and nothing is written over") {
  Damaged store;
  store.open();
  CHECK_THROWS_AS(store.salvage(), StoreOpenError);
  store.close();
  std::filesystem::create_directory(store.target);
  CHECK_THROWS_AS(store.salvage(), StoreOpenError);
}

}  // namespace wxpush::queue
