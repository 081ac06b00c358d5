// Erasing single events because somebody asks for it.

#include "handlers/queue/store_check.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <fstream>
#include <random>
#include <sstream>

using namespace wxpush;
using namespace wxpush::queue;

namespace {

bool holds(const std::filesystem::path& directory, const std::string& text) {
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    std::ostringstream content;
    content << std::ifstream(file.path(), std::ios::binary).rdbuf();
    if (content.str().find(text) != std::string::npos) return true;
  }
  return false;
}

struct Fixture : StoreFixture {
  Fixture() { open(); }

  void store(std::uint64_t n, const std::string& body) {
    NewEvent event = numbered(n);
    event.body = body;
    CHECK_FALSE(append(std::move(event)).error);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is erased is gone from the files at once; its id stays known") {
  store(1, "to stay");
  store(2, "rider 13800000000" + std::string(20'000, '.'));  // also in overflow pages
  store(3, "to stay, too");
  CHECK(holds(settings.directory, "13800000000"));
  const Erased erased = queue->erase({2, 17}, false);
  CHECK(erased.done == 1);
  CHECK(erased.not_stored == 1);
  CHECK(erased.undelivered == 0);
  CHECK(erased.overwritten);
  CHECK_FALSE(holds(settings.directory, "13800000000"));
  CHECK(ids() == std::vector<RowId>{1, 3});
  CHECK(append(2).duplicate);
  CHECK(number("SELECT value FROM meta WHERE key = 'events'") == 2);
  reopen();
  CHECK(append(2).duplicate);
  CHECK(queue->erase({2}, false).not_stored == 1);
}

// Else `store check` would find it damaged, and a backup would be refused.
TEST_CASE_FIXTURE(Fixture,
                  "what is erased waits for nobody, whatever a handler's feed still says") {
  close();
  open(false);
  const auto handler = queue->register_handler("h", {}, {}, true, "");
  queue->start({});
  for (std::uint64_t n = 1; n <= 4; ++n) store(n, "event " + std::to_string(n));
  const auto change = [](RowId id, EventPlace place, bool listed_before) {
    LaneChange made;
    made.id = id;
    made.lane = lane_of(numbered(id).event_id, numbered(id).order_key);
    made.place = place;
    made.listed_before = listed_before;
    made.error = "503";
    return made;
  };
  queue->mark(handler.number,
              {1,
               3,
               {change(1, EventPlace::retry, false), change(2, EventPlace::parked, false),
                change(3, EventPlace::dead, false)}});
  queue->flush_marks();
  CHECK(queue->erase({1, 2, 3, 4}, true).done == 4);
  const auto listed = [&] {
    std::int64_t rows = 0;
    for (const auto* table : {"retry", "parked", "dead", "replay"})
      rows += number(std::string("SELECT count(*) FROM ") + table);
    return rows;
  };
  CHECK(listed() == 0);
  // An attempt with one was under way, and the others had been read ahead.
  LaneChange replayed = change(2, EventPlace::parked, true);
  replayed.replay = true;
  queue->mark(handler.number,
              {2,
               4,
               {change(1, EventPlace::retry, true), replayed, change(3, EventPlace::dead, true),
                change(4, EventPlace::retry, false)}});
  queue->flush_marks();
  CHECK(listed() == 0);
  close();
  const auto report =
      check_store(settings.directory, {}, [](const std::string&, std::uint64_t, std::uint64_t) {});
  CHECK(report.whole());
}

// Rows move when pages are split and joined, also those that were stored and erased before.
TEST_CASE_FIXTURE(Fixture, "no copy of what is erased is left, wherever its row has been") {
  std::mt19937 random(5);  // NOLINT(*-msc51-cpp,cert-msc32-c): the same each time
  std::vector<RowId> alive;
  const auto name_of = [](RowId id) { return "rider " + std::to_string(id) + ';'; };
  for (RowId next = 1; next <= 300;) {
    for (auto many = 1 + random() % 12; many > 0; --many, ++next) {
      const auto size = random() % 8 == 0 ? 3000 + random() % 9000 : random() % 900;
      store(next, name_of(next) + std::string(size, '.'));
      alive.push_back(next);
    }
    for (auto many = random() % 8; many > 0 && !alive.empty(); --many) {
      const auto one = alive.begin() + static_cast<std::ptrdiff_t>(random() % alive.size());
      const RowId id = *one;
      alive.erase(one);
      CHECK(queue->erase({id}, false).overwritten);
      CAPTURE(id);
      CHECK_FALSE(holds(settings.directory, name_of(id)));
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "ids that no event can have are not stored, and nothing else") {
  store(1, "to stay");
  const RowId beyond = RowId{1} << 63;
  const Erased erased = queue->erase({beyond - 1, beyond, beyond + 1, ~RowId{0}}, true);
  CHECK(erased.done == 0);
  CHECK(erased.not_stored == 4);
  CHECK_FALSE(queue->status().failed);
  CHECK(ids() == std::vector<RowId>{1});
}

TEST_CASE_FIXTURE(Fixture, "its id is forgotten when retention is over") {
  store(1, "body");
  queue->erase({1}, false);
  pass(settings.retention + std::chrono::minutes(2));
  pass(std::chrono::minutes(2));
  CHECK_FALSE(append(1).duplicate);
}

TEST_CASE_FIXTURE(Fixture, "what a handler waits for is refused, unless that is said") {
  const HandlerRecord handler = queue->register_handler("backend", {}, {}, true, {});
  store(1, "delivered");
  store(2, "pending");
  queue->settle(handler.number, 1);
  queue->flush_marks();
  const Erased refused = queue->erase({1, 2}, false);
  CHECK(refused.done == 1);
  CHECK(refused.undelivered == 1);
  CHECK(ids() == std::vector<RowId>{2});
  CHECK(queue->erase({2}, true).done == 1);
  CHECK(ids().empty());
}

TEST_CASE_FIXTURE(Fixture, "a reader that pins the log is told") {
  store(1, "rider 13800000000");
  const auto reading = reader();
  reading->events({});
  const Reader::View view(*reading);
  reading->last_id();  // from here on the view is pinned
  CHECK_FALSE(queue->erase({1}, false).overwritten);
}

TEST_CASE_FIXTURE(Fixture, "erasing goes on working while the store does") {
  for (std::uint64_t n = 1; n <= 50; ++n) {
    store(n, "body " + std::to_string(n));
    if (n % 2 == 0) CHECK(queue->erase({n}, false).done == 1);
  }
  CHECK(ids().size() == 25);
}
