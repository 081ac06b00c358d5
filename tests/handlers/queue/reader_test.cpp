// Reading beside the writer: in pages, filtered; and where there is nothing to read.

#include "handlers/queue/schema.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <fstream>

namespace wxpush::queue {
namespace {

using std::chrono::milliseconds;
using Ids = std::vector<RowId>;

NewEvent shaped(std::uint64_t n, const std::string& app, const std::string& type) {
  NewEvent event = numbered(n);
  event.app = app;
  event.type = type;
  return event;
}

int exit_code_of_reading(const std::filesystem::path& directory) {
  try {
    Reader::open(directory, {});
  } catch (const StoreOpenError& error) {
    return error.exit_code();
  }
  return 0;
}

}  // namespace

TEST_CASE("events are filtered by id, app, type and time") {
  StoreFixture store;
  store.open();
  store.append(shaped(1, "shop", "update_waybill_status"));
  store.append(shaped(2, "other", "update_waybill_status"));
  store.clock.advance(milliseconds{1000});
  const WallTime later = store.clock.wall();
  store.append(shaped(3, "shop", "trade_manage_order_settlement"));
  store.append(shaped(4, "shop", ""));
  CHECK(store.ids() == Ids{1, 2, 3, 4});
  CHECK(store.ids({.after = 1, .until = 3}) == Ids{2, 3});
  CHECK(store.ids({.app = "shop"}) == Ids{1, 3, 4});
  CHECK(store.ids({.type = "update_waybill_status"}) == Ids{1, 2});
  CHECK(store.ids({.type = "trade_*"}) == Ids{3});
  CHECK(store.ids({.since = later}) == Ids{3, 4});
  CHECK(store.ids({.before = later}) == Ids{1, 2});
  CHECK(store.ids({.app = "nobody"}).empty());
}

TEST_CASE("a page ends at its limit, at 500 events, and at a megabyte") {
  StoreFixture store;
  store.open();
  store.append_range(1, 700);
  const std::unique_ptr<Reader> reader = store.reader();
  Reader::Page page = reader->events({}, 3);
  CHECK(page.events.size() == 3);
  CHECK(page.next_after == 3);
  CHECK(!page.end);
  page = reader->events({.after = 3}, 100'000);
  CHECK(page.events.size() == 500);
  page = reader->events({.after = page.next_after});
  CHECK(page.events.size() == 197);
  CHECK(page.end);
  page = reader->events({.after = 700});
  CHECK(page.events.empty());
  CHECK(page.end);
  CHECK(page.next_after == 700);

  NewEvent large = numbered(1000);
  large.body.assign(page_bytes / 2 + 1, 'x');
  for (std::uint64_t n = 1000; n < 1003; ++n) {
    large.event_id = id_of(n);
    store.append(large);
  }
  page = reader->events({.after = 700});
  CHECK(page.events.size() == 2);
  CHECK(!page.end);
}

TEST_CASE("a call that finds nothing still ends, having looked at a bounded number of rows") {
  StoreFixture store;
  store.settings.append_queue = 20'000;
  store.open();
  store.append_range(1, 10'001);
  const std::unique_ptr<Reader> reader = store.reader();
  const Reader::Page page = reader->events({.app = "nobody"});
  CHECK(page.events.empty());
  CHECK(!page.end);
  CHECK(page.next_after == 10'000);
  CHECK(reader->events({.after = page.next_after, .app = "nobody"}).end);
}

TEST_CASE("figures of a store") {
  StoreFixture store;
  store.open();
  StoreFigures figures = store.reader()->figures();
  CHECK(figures.events == 0);
  CHECK(figures.last_id == 0);
  CHECK(figures.schema == static_cast<int>(schema_steps().size()));
  CHECK(figures.incarnation == store.queue->status().incarnation);
  store.append_range(1, 3);
  figures = store.reader()->figures();
  CHECK(figures.events == 3);
  CHECK(figures.first_id == 1);
  CHECK(figures.last_id == 3);
  CHECK(store.reader()->last_id() == 3);
}

TEST_CASE("a reader holds nothing between its calls: the log can be emptied beside it") {
  StoreFixture store;
  store.open();
  store.append_range(1, 600);
  const std::unique_ptr<Reader> reader = store.reader();
  CHECK(reader->events({}).events.size() == 500);
  CHECK(reader->events({.order_key = "none"}).events.empty());
  CHECK(reader->find_by_event_id("00000000").empty());
  CHECK(reader->handlers().empty());
  CHECK(reader->figures().events == 600);
  store.close();
  CHECK(std::filesystem::file_size(StoreFiles(store.settings.directory).wal) == 0);
  CHECK(reader->events({.after = 500}).events.size() == 100);  // and it reads on
}

TEST_CASE("a store can be read when nobody serves it") {
  StoreFixture store;
  store.open();
  store.append_range(1, 3);
  const std::filesystem::path killed = store.temporary.path() / "killed";
  store.copy_to(killed);
  store.close();
  CHECK(store.ids() == Ids{1, 2, 3});
  CHECK(Reader::open(killed, {})->events({}).events.size() == 3);
}

TEST_CASE("what is no store is refused, and why") {
  TempDirectory temporary;
  CHECK(exit_code_of_reading(temporary.path() / "missing") == 69);
  CHECK(exit_code_of_reading(temporary.path()) == 69);
  std::ofstream(StoreFiles(temporary.path()).database) << "not a database at all, but long enough";
  CHECK(exit_code_of_reading(temporary.path()) == 78);

  StoreFixture store;
  store.open();
  store.close();
  Connection(StoreFiles(store.settings.directory).database.string(), {})
      .execute("PRAGMA user_version = 1000");
  CHECK(exit_code_of_reading(store.settings.directory) == 78);
}

}  // namespace wxpush::queue
