// Deliveries as readers see them: by the tables, for each handler that asked.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

namespace wxpush::queue {
namespace {

std::string state_of(const StoreFixture& store, RowId id, const std::string& handler) {
  const std::unique_ptr<Reader> reader = store.reader();
  for (const Delivery& delivery : reader->deliveries(*reader->find(id))) {
    if (delivery.handler != handler) continue;
    switch (delivery.state) {
      case DeliveryState::pending:
        return "pending";
      case DeliveryState::delivered:
        return "delivered";
      case DeliveryState::dead:
        return "dead";
    }
  }
  return "not asked for";
}

}  // namespace

TEST_CASE("deliveries: one for each handler that asked, as its tables say") {
  StoreFixture store;
  store.open(false);
  const HandlerRecord backend = store.queue->register_handler("backend", {}, {}, true, "");
  store.queue->register_handler("other", {"other"}, {}, true, "");
  store.queue->start({});
  for (std::uint64_t n = 1; n <= 8; ++n) store.append(n, "wx/shop/order");
  store.queue->settle(backend.number, 5);
  store.close();
  {
    const std::string lane = std::to_string(order_hash("wx/shop/order"));
    Connection connection(StoreFiles(store.settings.directory).database.string(), {});
    connection.execute(
        "INSERT INTO dead VALUES(1, 1, 12, 'HTTP 500', 7, NULL);"
        "INSERT INTO retry VALUES(1, 3, 1800000000000, 2, 'time-out', 0, 0, 0);"
        "INSERT INTO parked VALUES(1, " +
        lane +
        ", 4);"
        "INSERT INTO settled VALUES(1, 7)");
  }
  CHECK(state_of(store, 1, "backend") == "dead");
  CHECK(state_of(store, 2, "backend") == "delivered");
  CHECK(state_of(store, 3, "backend") == "pending");
  CHECK(state_of(store, 4, "backend") == "pending");
  CHECK(state_of(store, 5, "backend") == "delivered");
  CHECK(state_of(store, 6, "backend") == "pending");
  CHECK(state_of(store, 7, "backend") == "delivered");
  CHECK(state_of(store, 2, "other") == "not asked for");

  const std::unique_ptr<Reader> reader = store.reader();
  const Delivery retry = reader->deliveries(*reader->find(3)).at(0);
  CHECK(retry.attempts == 2);
  CHECK(retry.last_error == "time-out");
  CHECK(retry.next_attempt == wall_time(1'800'000'000'000));
  CHECK(reader->deliveries(*reader->find(1)).at(0).attempts == 12);
  CHECK(reader->pending(reader->handlers().at(0)) == 4);  // 3, 4, 6, 8
}

TEST_CASE("the oldest pending event is the first that the handler asked for and has not settled") {
  StoreFixture store;
  store.open(false);
  const HandlerRecord handler = store.queue->register_handler("backend", {"shop"}, {}, true, "");
  store.queue->start({});
  NewEvent foreign = numbered(1);
  foreign.app = "other";
  store.append(foreign);
  store.clock.advance(std::chrono::seconds{1});
  const WallTime second = store.clock.wall();
  store.append(2);
  store.clock.advance(std::chrono::seconds{1});
  store.append(3);
  CHECK(store.reader()->oldest_pending(handler) == second);
  CHECK(store.reader()->pending(handler) == 2);
  store.queue->settle(handler.number, 3);
  store.pass(std::chrono::milliseconds{100});
  const HandlerRecord now = store.queue->handlers().at(0);
  CHECK(!store.reader()->oldest_pending(now));
  CHECK(store.reader()->pending(now) == 0);
}

}  // namespace wxpush::queue
