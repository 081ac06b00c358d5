// Stores that programs of each released schema left when they were killed (stored/README.md),
// brought up to date: whatever fails, and whenever the process dies, they are the old ones or the
// new ones, with all that was in them.

#include "crypto/primitives/random.h"
#include "handlers/queue/store_check.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace wxpush::queue {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t stored_events = 24;

std::vector<fs::path> stored() {
  std::vector<fs::path> found(fs::directory_iterator(WXPUSH_STORED_SCHEMAS), {});
  std::ranges::sort(found);
  return found;
}

struct Fixture : StoreFixture {
  explicit Fixture(const fs::path& from) {
    fs::create_directories(settings.directory);
    for (const char* name : {"queue.db", "queue.db-wal", "LOCK"})
      fs::copy_file(from / name, settings.directory / name);
    settings.body_keys = {BodyKey(std::string(BodyKey::size, 'k'))};
    settings.random = &random;
  }
  ~Fixture() { close(); }  // before what it uses goes
  crypto::SystemRandom random;
};

std::int64_t number_in(const fs::path& directory, const std::string& query) {
  Connection store(StoreFiles(directory).database.string(), {.read_only = true});
  return store.integer(query);
}

// The old version whole, or the new one whole.
void check_old_or_new(const fs::path& directory, std::int64_t version) {
  const std::int64_t found = number_in(directory, "PRAGMA user_version");
  CHECK((found == version || found == static_cast<std::int64_t>(schema_steps().size())));
  CHECK(number_in(directory, "SELECT count(*) FROM sqlite_schema WHERE name = 'replay'") ==
        (found >= 2 ? 1 : 0));
  CHECK(number_in(directory, "SELECT count(*) FROM sqlite_schema WHERE name = 'body_key'") ==
        (found >= 3 ? 1 : 0));
  CHECK(number_in(directory, "SELECT count(*) FROM event") == stored_events);
}

void check_brought_up(StoreFixture& store) {
  store.open();
  CHECK(store.number("PRAGMA user_version") == static_cast<std::int64_t>(schema_steps().size()));
  const std::vector<StoredEvent> events = store.all();
  CHECK(events.size() == stored_events);
  for (const StoredEvent& event : events) {
    CHECK(event::make_event_id(event.appid, event.body) == event.event_id);
    const Appended again = store.append(NewEvent(event));
    CHECK((again.duplicate && again.id == event.id));
  }
  {
    const std::unique_ptr<Reader> reader = store.reader();
    const std::vector<HandlerRecord> handlers = reader->handlers();
    REQUIRE(handlers.size() == 1);
    CHECK(reader->dead_letters(handlers[0].number, 0).size() == 2);
    CHECK(reader->pending(handlers[0]) == 6);
    CHECK(reader->quarantined(0).size() == 2);
  }
  store.close();
  const CheckReport report = check_store(store.settings.directory, store.settings.body_keys,
                                         [](const std::string&, std::uint64_t, std::uint64_t) {});
  for (const Finding& finding : report.findings) MESSAGE(finding.kind << ": " << finding.what);
  CHECK(report.whole());
}

// False: there are not so many steps.
bool fail_at(const fs::path& from, std::uint64_t n, bool writes) {
  Fixture store(from);
  const std::int64_t version = number_in(store.settings.directory, "PRAGMA user_version");
  bool met = false;
  const auto rule = [&](std::uint64_t nth, StoreFile) {
    met = met || nth == n;
    return nth == n ? EIO : 0;
  };
  writes ? store.disk.on_write(rule) : store.disk.on_sync(rule);
  bool opened = false;
  try {
    store.open(false);
    opened = true;
  } catch (const StoreOpenError& error) {
    CHECK(error.exit_code() == 74);
  }
  store.disk.on_write({});
  store.disk.on_sync({});
  if (opened && !met) return false;
  store.close();
  check_old_or_new(store.settings.directory, version);
  check_brought_up(store);
  return true;
}

}  // namespace

TEST_CASE("there is a store of each released schema, and each is brought up to date") {
  const std::vector<fs::path> all = stored();
  CHECK(all.size() >= schema_steps().size() - 1);  // the newest may not be released yet
  std::int64_t version = 0;
  for (const fs::path& one : all) {
    CAPTURE(one);
    Fixture store(one);
    CHECK(number_in(store.settings.directory, "PRAGMA user_version") == ++version);
    CHECK(fs::file_size(one / "queue.db-wal") > 0);
    check_brought_up(store);
  }
}

TEST_CASE("any write or sync that fails on the way leaves the old store or the new one") {
  for (const fs::path& one : stored()) {
    for (const bool writes : {true, false}) {
      std::uint64_t n = 1;
      for (; fail_at(one, n, writes); ++n) {
      }
      CAPTURE(one);
      CHECK(n > 3);
    }
  }
}

TEST_CASE("killed at any write or sync on the way: the old store or the new one") {
  for (const fs::path& one : stored()) {
    CAPTURE(one);
    TempDirectory moments;
    std::size_t count = 0;
    std::int64_t version = 0;
    {
      Fixture store(one);
      version = number_in(store.settings.directory, "PRAGMA user_version");
      const auto keep = [&](std::uint64_t, StoreFile) {
        fs::copy(store.settings.directory, moments.path() / std::to_string(++count));
        return 0;
      };
      store.disk.on_write(keep);
      store.disk.on_sync(keep);
      store.open();
      store.close();
      store.disk.on_write({});
      store.disk.on_sync({});
    }
    CHECK(count > 8);
    for (std::size_t moment = 1; moment <= count; ++moment) {
      CAPTURE(moment);
      Fixture store(moments.path() / std::to_string(moment));
      check_old_or_new(store.settings.directory, version);
      check_brought_up(store);
    }
  }
}

}  // namespace wxpush::queue
