// A store of every released schema is brought up to date in one commit: whatever fails, and
// whenever the process dies, it is the old one or the new one, with all that was in it.

#include "handlers/queue/store_check.h"
#include "tests/handlers/queue/released_schemas.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

namespace wxpush::queue {
namespace {

constexpr std::uint64_t events = 30;
constexpr RowId dead = 5;
constexpr RowId retried = 7;

// As that version's program left it when it was stopped: its last commits in the database.
void make_released(const std::filesystem::path& directory, int version) {
  std::filesystem::create_directories(directory);
  Connection store(StoreFiles(directory).database.string(), {});
  store.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; BEGIN");
  store.execute("PRAGMA application_id = " + std::to_string(store_application_id));
  store.execute("PRAGMA user_version = " + std::to_string(version));
  store.execute(released_version_1);
  if (version >= 2) store.execute(released_version_2);
  if (version >= 3) store.execute(released_version_3);
  {
    Statement insert(store,
                     "INSERT INTO event VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, NULL, 0, "
                     "0, ?9)");
    for (std::uint64_t n = 1; n <= events; ++n) {
      const NewEvent event = genuine(n);
      insert.run(n, blob(event.event_id), event.app, event.appid, event.type, event.order_key,
                 order_hash(event.order_key), std::int64_t{1'800'000'000'000}, Blob{event.body});
    }
  }
  store.execute(
      "INSERT INTO meta VALUES('starts', 1), ('next_id', 31), ('events', 30);"
      "INSERT INTO handler VALUES(1, 'backend', '', '', 0, 20, 1800000000000, 1);"
      "INSERT INTO dead VALUES(1, 5, 12, '410', 1800000000000, NULL)");
  const NewEvent waits = genuine(retried);
  Statement(store, "INSERT INTO retry VALUES(1, ?1, 1800000000000, 3, '503', ?2, 0, 1000)")
      .run(retried, lane_of(waits.event_id, waits.order_key));
  store.execute("COMMIT");
  store.integer("PRAGMA wal_checkpoint(TRUNCATE)");
}

// Everything that was in it, seen through the newest program.
void check_brought_up(StoreFixture& store) {
  store.open();
  CHECK(store.number("PRAGMA user_version") == static_cast<std::int64_t>(schema_steps().size()));
  for (std::uint64_t n = 1; n <= events; ++n) CHECK(store.append(genuine(n)).duplicate);
  const std::unique_ptr<Reader> reader = store.reader();
  const std::vector<HandlerRecord> handlers = reader->handlers();
  REQUIRE(handlers.size() == 1);
  CHECK(handlers[0].cursor == 20);
  CHECK(reader->dead_letters(1, 0).size() == 1);
  CHECK(reader->dead_letters(1, 0).front().id == dead);
  CHECK(reader->lane_state(1, false).retries.size() == 1);
  CHECK(reader->replays(1, dead) == 0);
  CHECK(store.append(genuine(events + 1)).id == events + 1);
  store.close();
  const CheckReport report = check_store(store.settings.directory, {},
                                         [](const std::string&, std::uint64_t, std::uint64_t) {});
  for (const Finding& finding : report.findings) MESSAGE(finding.kind << ": " << finding.what);
  CHECK(report.whole());
}

// The old version whole, or the new one whole.
void check_old_or_new(const std::filesystem::path& directory, int version) {
  Connection store(StoreFiles(directory).database.string(), {.read_only = true});
  const std::int64_t found = store.integer("PRAGMA user_version");
  const auto newest = static_cast<std::int64_t>(schema_steps().size());
  CHECK((found == version || found == newest));
  CHECK(store.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'replay'") ==
        (found >= 2 ? 1 : 0));
  CHECK(store.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'body_key'") ==
        (found >= 3 ? 1 : 0));
  CHECK(store.integer("SELECT count(*) FROM meta WHERE key = 'incarnation'") ==
        (found == newest ? 1 : 0));
  CHECK(store.integer("SELECT count(*) FROM event") == events);
}

bool opens(StoreFixture& store) {
  try {
    store.open();
    store.close();
    return true;
  } catch (const StoreOpenError& error) {
    CHECK(error.exit_code() == 74);
    return false;
  }
}

}  // namespace

TEST_CASE("a store of each released schema is brought up to date, and nothing in it changes") {
  for (const int version : {1, 2, 3}) {
    CAPTURE(version);
    StoreFixture store;
    make_released(store.settings.directory, version);
    check_brought_up(store);
  }
}

TEST_CASE("any write or sync that fails on the way leaves the old schema or the new one") {
  for (const int version : {1, 2, 3}) {
    for (const bool writes : {true, false}) {
      std::uint64_t n = 1;
      for (;; ++n) {
        CAPTURE(version);
        CAPTURE(writes);
        CAPTURE(n);
        StoreFixture store;
        make_released(store.settings.directory, version);
        bool met = false;
        const auto rule = [&](std::uint64_t nth, StoreFile) {
          met = met || nth == n;
          return nth == n ? EIO : 0;
        };
        bool opened = false;
        try {
          writes ? store.disk.on_write(rule) : store.disk.on_sync(rule);
          store.open(false);
          opened = true;
        } catch (const StoreOpenError& error) {
          CHECK(error.exit_code() == 74);
        }
        store.disk.on_write({});
        store.disk.on_sync({});
        if (opened && !met) break;  // that was the last there is
        store.close();
        check_old_or_new(store.settings.directory, version);
        check_brought_up(store);
      }
      CHECK(n > 3);
    }
  }
}

TEST_CASE("killed at any write or sync on the way: the old schema or the new one") {
  for (const int version : {1, 2, 3}) {
    TempDirectory moments;
    std::size_t count = 0;
    {
      StoreFixture store;
      make_released(store.settings.directory, version);
      const auto keep = [&](std::uint64_t, StoreFile) {
        std::filesystem::copy(store.settings.directory, moments.path() / std::to_string(++count));
        return 0;
      };
      store.disk.on_write(keep);
      store.disk.on_sync(keep);
      CHECK(opens(store));
      store.disk.on_write({});
      store.disk.on_sync({});
    }
    CHECK(count > 8);
    for (std::size_t moment = 1; moment <= count; ++moment) {
      CAPTURE(version);
      CAPTURE(moment);
      StoreFixture store;
      std::filesystem::copy(moments.path() / std::to_string(moment), store.settings.directory);
      check_old_or_new(store.settings.directory, version);
      check_brought_up(store);
    }
  }
}

}  // namespace wxpush::queue
