// Duplicates beyond memory: filing, generations, collisions, and their end.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

namespace wxpush::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

struct SmallMemory : StoreFixture {
  SmallMemory() {
    settings.recent_ids = 32;
    settings.generation_ids = 100;
    options.filing_rows = 8;
    settings.batch_events = 16;
  }
  std::int64_t filed_through() const {
    return number("SELECT value FROM meta WHERE key = 'filed_through'");
  }
  std::int64_t generations() const { return number("SELECT count(*) FROM generation"); }
};

// A hash so short that most ids collide.
ShortHash three_bits(const event::EventId& id) {
  return id.bytes[0] & 7;
}

}  // namespace

TEST_CASE("ids beyond memory are filed in generations, and known before and after a restart") {
  SmallMemory store;
  store.open();
  store.append_range(1, 1000);
  store.queue->wait_until_idle();
  CHECK(store.filed_through() >= 1000 - 48);
  CHECK(store.generations() >= 8);
  for (std::uint64_t n = 1; n <= 1000; n += 7) CHECK(store.append(n).duplicate);
  store.reopen();
  for (std::uint64_t n = 1; n <= 1000; n += 7) {
    const Appended again = store.append(n);
    CHECK(again.duplicate);
    CHECK(again.id == n);
  }
  CHECK(!store.append(1001).duplicate);
}

TEST_CASE("each id is filed once") {
  SmallMemory store;
  store.open();
  store.append_range(1, 33);  // one run of the oldest 16
  store.queue->wait_until_idle();
  CHECK(store.filed_through() == 16);
  CHECK(store.number("SELECT count(*) FROM known_1") == 16);
  CHECK(store.number("SELECT count(DISTINCT id) FROM known_1") == 16);
  CHECK(store.number("SELECT count(*) FROM orders_1") == 0);  // these have no order
  CHECK(store.number("SELECT first_id FROM generation") == 1);
  CHECK(store.number("SELECT last_id FROM generation") == 16);
}

TEST_CASE("equal hashes do not make equal events") {
  SmallMemory store;
  store.options.hash_of = three_bits;
  store.open();
  store.append_range(1, 300);  // REQUIREs that none counts as known
  store.reopen();
  for (std::uint64_t n = 1; n <= 300; ++n) {
    const Appended again = store.append(n);
    CHECK(again.duplicate);
    CHECK(again.id == n);
  }
  store.append_range(301, 400);
}

TEST_CASE("ids that were left behind early are filed and found as well") {
  SmallMemory store;
  store.open();
  store.append_range(1, 10);
  store.pass(hours{25});
  store.disk.set_space({.total = 1ULL << 40, .free = 0});
  store.settings.min_free = 1;
  store.reopen();
  store.pass(std::chrono::seconds{1});
  REQUIRE(store.ids().empty());
  store.disk.set_space({.total = 1ULL << 40, .free = 1ULL << 39});
  store.pass(std::chrono::seconds{1});
  store.append_range(11, 200);
  store.queue->wait_until_idle();
  REQUIRE(store.filed_through() > 10);
  for (std::uint64_t n = 1; n <= 10; ++n) CHECK(store.append(n).duplicate);
}

TEST_CASE("a generation goes as a whole when everything in it is past retention") {
  SmallMemory store;
  store.open();
  std::int64_t most = 0;
  for (std::uint64_t day = 0; day < 30; ++day) {
    store.append_range(day * 50 + 1, day * 50 + 50);
    store.pass(hours{24});
    most = std::max(most, store.generations());
  }
  CHECK(most <= 8);  // two days each, and those of seven days
  CHECK(store.number("SELECT min(number) FROM generation") > 5);
  CHECK(store.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'known_%'") ==
        store.generations());
  CHECK(!store.append(1).duplicate);    // forgotten
  CHECK(store.append(1500).duplicate);  // and not
  store.reopen();
  CHECK(store.append(1499).duplicate);
}

TEST_CASE("generations that are over at the same time go at the same time") {
  SmallMemory store;
  store.open();
  store.append_range(1, 1000);
  store.queue->wait_until_idle();
  REQUIRE(store.generations() >= 8);
  store.pass(hours{24 * 8});
  CHECK(store.generations() == 0);
  CHECK(store.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'known_%'") == 0);
  CHECK(!store.append(1).duplicate);
}

TEST_CASE("where many generations live, they hold more, and everything in them is known") {
  SmallMemory store;
  store.settings.recent_ids = 8;
  store.settings.generation_ids = 12;
  store.open();
  const auto append_filed = [&](std::uint64_t first, std::uint64_t last) {
    for (; first <= last; first += 4) {  // so that each run that is filed is a short one
      store.append_range(first, first + 3);
      store.queue->wait_until_idle();
    }
  };
  append_filed(1, 800);
  CHECK(store.generations() > 60);
  append_filed(801, 2400);
  CHECK(store.generations() < 140);  // and not 200
  for (std::uint64_t n = 1; n <= 2400; n += 101) CHECK(store.append(n).duplicate);
  store.reopen();
  for (std::uint64_t n = 2; n <= 2400; n += 101) CHECK(store.append(n).duplicate);
  CHECK(!store.append(2401).duplicate);
}

TEST_CASE("dropping a generation goes on after a crash") {
  TempDirectory killed;
  bool cut = false;
  SmallMemory store;
  store.settings.recent_ids = 6000;
  store.settings.batch_events = 512;
  store.open();
  store.append_range(1, 6001);
  store.queue->wait_until_idle();
  REQUIRE(store.number("SELECT count(*) FROM known_1") == 3000);
  store.disk.on_sync([&](std::uint64_t, StoreFile) {
    if (!cut && store.number("SELECT count(*) FROM generation WHERE state = 1") == 1 &&
        store.number("SELECT count(*) FROM known_1") < 3000) {
      cut = true;
      store.copy_to(killed.path() / "store");
    }
    return 0;
  });
  store.pass(hours{24 * 8});
  CHECK(store.generations() == 0);
  REQUIRE(cut);

  SmallMemory survivor;
  survivor.settings.directory = killed.path() / "store";
  survivor.clock.advance(hours{24 * 8});
  survivor.open();
  CHECK(!survivor.append(1).duplicate);
  survivor.pass(minutes{2});
  CHECK(survivor.generations() == 0);
  CHECK(survivor.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'orders_%'") == 0);
}

TEST_CASE("the filter says perhaps to all it holds, and to few it does not") {
  Bloom bloom(10'000);
  for (std::uint64_t n = 0; n < 10'000; ++n) bloom.add(short_hash(id_of(n)));
  std::size_t wrong = 0;
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    CHECK(bloom.perhaps(short_hash(id_of(n))));
    wrong += bloom.perhaps(short_hash(id_of(n + 1'000'000))) ? 1U : 0U;
  }
  CHECK(wrong < 20);
  CHECK(bloom.bytes() < 21'000);
}

TEST_CASE("short hashes that lie on disks") {
  CHECK(order_hash("") == 0);
  CHECK(order_hash("wx0123456789abcdef/shop/order-1") == -31591980888424785);
  event::EventId id;
  id.bytes[0] = 0x80;
  id.bytes[7] = 1;
  CHECK(short_hash(id) == std::numeric_limits<std::int64_t>::min() + 1);
}

}  // namespace wxpush::queue
