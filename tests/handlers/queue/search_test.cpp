// Searching beside the writer: by order, and by id.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

namespace wxpush::queue {
namespace {

using Ids = std::vector<RowId>;

}  // namespace

TEST_CASE("search by order: filed and recent events alike, in order, and no other order's") {
  StoreFixture store;
  store.settings.recent_ids = 32;
  store.settings.generation_ids = 60;
  store.open();
  const auto key = [](std::uint64_t n) { return "wx/shop/order-" + std::to_string(n % 10); };
  for (std::uint64_t n = 1; n <= 400; ++n) REQUIRE(!store.append(n, key(n)).error);
  store.queue->wait_until_idle();
  REQUIRE(store.number("SELECT value FROM meta WHERE key = 'filed_through'") > 300);
  for (std::uint64_t order = 0; order < 10; ++order) {
    const std::vector<StoredEvent> found = store.all({.order_key = key(order)});
    REQUIRE(found.size() == 40);
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].order_key == key(order));
      CHECK(found[i].id == (order == 0 ? 10 : order) + 10 * i);
    }
  }
  CHECK(store.ids({.order_key = "wx/shop/order-99"}).empty());
  CHECK(store.ids({.after = 200, .until = 220, .order_key = key(1)}) == Ids{201, 211});
  CHECK(store.ids({.app = "nobody", .order_key = key(1)}).empty());

  // Pages by order go on where they ended, across the border between filed and recent.
  const std::unique_ptr<Reader> reader = store.reader();
  EventFilter filter{.order_key = key(3)};
  Ids paged;
  for (bool end = false; !end;) {
    const Reader::Page page = reader->events(filter, 7);
    CHECK(page.events.size() <= 7);
    for (const StoredEvent& event : page.events) paged.push_back(event.id);
    filter.after = page.next_after;
    end = page.end;
  }
  CHECK(paged == store.ids({.order_key = key(3)}));
}

TEST_CASE("the serving process searches by order without looking at other orders' events") {
  StoreFixture store;
  store.settings.recent_ids = 64;
  store.settings.batch_events = 16;
  store.open();
  const auto key = [](std::uint64_t n) { return "wx/shop/order-" + std::to_string(n % 7); };
  const std::unique_ptr<Reader> reader = store.queue->reader();
  for (std::uint64_t n = 1; n <= 300; ++n) {
    store.append(n, key(n));
    std::size_t expected = 0;
    for (std::uint64_t earlier = n % 7; earlier <= n; earlier += 7)
      expected += earlier > 0 ? 1U : 0U;
    const Reader::Page page = reader->events({.order_key = key(n)});
    REQUIRE(page.end);
    REQUIRE(page.events.size() == expected);
    REQUIRE(page.events.back().id == n);
  }
  CHECK(reader->events({.after = 100, .until = 120, .order_key = key(1)}).events.size() == 3);
  store.reopen();
  CHECK(store.queue->reader()->events({.order_key = key(1)}).events.size() == 43);
}

TEST_CASE("one reader finds by order what a scan finds, while generations come and go") {
  StoreFixture store;
  store.settings.recent_ids = 16;
  store.settings.generation_ids = 40;
  store.options.filing_rows = 7;
  store.open();
  const std::unique_ptr<Reader> serving = store.queue->reader();
  const std::unique_ptr<Reader> foreign = store.reader();
  std::minstd_rand chance{7};
  std::set<std::int64_t> first_generations;
  for (std::uint64_t n = 1; n <= 600; ++n) {
    store.append(n, "wx/shop/order-" + std::to_string(chance() % 12));
    if (n % 20 == 0) store.pass(std::chrono::hours{12});
    if (n % 5 != 0) continue;
    first_generations.insert(store.number("SELECT min(number) FROM generation"));
    const std::string key = "wx/shop/order-" + std::to_string(chance() % 12);
    const RowId after = chance() % n;
    const RowId until = after + 1 + chance() % n;
    Ids expected;
    for (const StoredEvent& event : store.all()) {
      if (event.order_key == key && event.id > after && event.id <= until)
        expected.push_back(event.id);
    }
    for (Reader* reader : {serving.get(), foreign.get()}) {
      Ids found;
      const Reader::View view(*reader);
      for (const auto& event :
           reader->events({.after = after, .until = until, .order_key = key}).events)
        found.push_back(event.id);
      CHECK(found == expected);
    }
  }
  CHECK(first_generations.size() > 3);  // some were dropped under the readers' statements
}

TEST_CASE("a search inside a view sees what was filed since the view began") {
  StoreFixture store;
  store.settings.recent_ids = 16;
  store.open();
  const std::unique_ptr<Reader> reader = store.queue->reader();
  for (std::uint64_t n = 1; n <= 10; ++n) store.append(n, "wx/shop/one");
  const Reader::View view(*reader);
  CHECK(reader->events({.order_key = "wx/shop/one"}).events.size() == 10);
  for (std::uint64_t n = 11; n <= 100; ++n) store.append(n, "wx/shop/one");
  store.queue->wait_until_idle();
  CHECK(reader->events({.order_key = "wx/shop/one"}).events.size() == 100);
}

TEST_CASE("a generation without the order is not looked into; one that is not known may have it") {
  FiledOrders orders;
  CHECK(orders.perhaps(1, 7));
  orders.begin(1, 1000);
  CHECK_FALSE(orders.perhaps(1, 7));
  orders.add(1, 7);
  orders.add(2, 8);  // of none: nothing happens
  CHECK(orders.perhaps(1, 7));
  CHECK_FALSE(orders.perhaps(1, 8));
  orders.drop(1);
  CHECK(orders.perhaps(1, 8));
}

TEST_CASE("an order is found in every generation, in this run and after a restart") {
  StoreFixture store;
  store.settings.recent_ids = 8;
  store.settings.generation_ids = 20;
  store.open();
  Ids expected;
  for (std::uint64_t n = 1; n <= 200; ++n) {
    if (n % 40 == 3) expected.push_back(n);
    store.append(n, n % 40 == 3 ? "wx/shop/one" : "wx/shop/" + std::to_string(n));
  }
  store.queue->wait_until_idle();
  for (const bool again : {false, true}) {
    if (again) store.reopen();
    const std::unique_ptr<Reader> reader = store.queue->reader();
    Ids found;
    for (const StoredEvent& event : reader->events({.order_key = "wx/shop/one"}).events)
      found.push_back(event.id);
    CHECK(found == expected);
    CHECK(reader->events({.order_key = "wx/shop/none"}).events.empty());
  }
}

TEST_CASE("memory of recent events is given back when they are erased") {
  RecentIds recent(10);
  for (std::uint64_t n = 1; n <= 20'000; ++n) {
    recent.add({.id = n, .event_id = id_of(n), .order = static_cast<ShortHash>(n % 3 + 1)});
    if (n > 5) recent.forget(id_of(n - 4), n - 4);  // the first one stays
  }
  CHECK(recent.size() == 5);
  CHECK(recent.oldest(100).size() == 5);
  CHECK(recent.oldest(100).front().id == 1);
  const auto found = recent.orders()->find(2, 0, 0, 1'000'000);
  REQUIRE(found);
  CHECK(found->front() == 1);  // 1 % 3 + 1
  CHECK(found->size() < 1000);
}

TEST_CASE("erased events are gone from the search by order") {
  StoreFixture store;
  store.settings.recent_ids = 8;
  store.open();
  for (std::uint64_t n = 1; n <= 40; ++n) store.append(n, "wx/shop/one");
  store.pass(std::chrono::hours{24 * 7 - 1});
  store.append(41, "wx/shop/one");
  store.pass(std::chrono::hours{2});
  CHECK(store.ids({.order_key = "wx/shop/one"}) == Ids{41});
}

TEST_CASE("an event is found by id, and by event id or the beginning of one") {
  StoreFixture store;
  store.settings.recent_ids = 16;
  store.open();
  store.append_range(1, 100);
  store.queue->wait_until_idle();
  const std::unique_ptr<Reader> reader = store.reader();
  REQUIRE(reader->find(7));
  CHECK(reader->find(7)->event_id == id_of(7));
  CHECK(!reader->find(101));
  for (const std::uint64_t n : {std::uint64_t{3}, std::uint64_t{99}}) {  // filed, recent
    const std::string hex = event::to_string(id_of(n));
    for (const std::size_t digits : {8U, 9U, 15U, 16U, 17U, 64U}) {
      CHECK(reader->find_by_event_id(hex.substr(0, digits)) == Ids{n});
    }
  }
  CHECK(reader->find_by_event_id("0123456").empty());           // too short
  CHECK(reader->find_by_event_id("0123456789abcdeg").empty());  // no hexadecimal digits
  CHECK(reader->find_by_event_id("00000000").empty());
}

TEST_CASE("an ambiguous beginning finds two") {
  StoreFixture store;
  store.open();
  for (std::uint8_t last = 1; last <= 3; ++last) {
    NewEvent event = numbered(1);
    event.event_id = {};
    event.event_id.bytes[31] = last;
    store.append(event);
  }
  CHECK(store.reader()->find_by_event_id("00000000").size() == 2);
  CHECK(store.reader()->find_by_event_id(std::string(63, '0') + "2") == Ids{2});
}

}  // namespace wxpush::queue
