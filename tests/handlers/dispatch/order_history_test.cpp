#include "handlers/dispatch/order_history.h"

#include "tests/handlers/dispatch/fake_store.h"

#include <doctest/doctest.h>

#include <random>

using namespace wxpush;
using namespace wxpush::test;
using dispatch::OrderHistory;

namespace {

std::vector<queue::RowId> ids(const std::vector<event::StatusRecord>& statuses) {
  std::vector<queue::RowId> found;
  for (const auto& status : statuses) found.push_back(status.id);
  return found;
}

queue::StoredEvent of_order(queue::RowId id, const std::string& order) {
  auto event = status_event(id, 102, static_cast<int>(id));
  event.order_key = order;
  return event;
}

}  // namespace

TEST_CASE("an order's history is what was stored before the event, and of that order only") {
  FakeReader reader({of_order(1, "a"), of_order(2, "b"), of_order(3, "a"), of_order(4, "a")});
  OrderHistory history(reader);
  CHECK(ids(history.before(of_order(3, "a"))) == std::vector<queue::RowId>{1});
  CHECK(ids(history.before(of_order(4, "a"))) == std::vector<queue::RowId>{1, 3});
  CHECK(history.before(of_order(2, "b")).empty());
  CHECK(history.before(of_order(1, "a")).empty());  // asked for an older one again
}

TEST_CASE("what is no readable status has no place in it") {
  auto unreadable = of_order(1, "a");
  unreadable.body = "{}";
  FakeReader reader({unreadable, of_order(2, "a")});
  OrderHistory history(reader);
  CHECK(ids(history.before(of_order(3, "a"))) == std::vector<queue::RowId>{2});
}

TEST_CASE("orders that are asked for rarely are forgotten and read again") {
  std::vector<queue::StoredEvent> events;
  for (queue::RowId id = 1; id <= OrderHistory::max_orders + 2; ++id)
    events.push_back(of_order(id, "o" + std::to_string(id)));
  FakeReader reader(events);
  OrderHistory history(reader);
  const auto next = static_cast<queue::RowId>(OrderHistory::max_orders + 10);
  for (const auto& event : events)
    CHECK(ids(history.before(of_order(next, event.order_key))) == std::vector{event.id});
  CHECK(ids(history.before(of_order(next, "o1"))) == std::vector<queue::RowId>{1});
}

TEST_CASE("of an order without end the newest statuses are kept") {
  std::vector<queue::StoredEvent> events;
  for (queue::RowId id = 1; id <= OrderHistory::max_statuses + 5; ++id)
    events.push_back(of_order(id, "a"));
  FakeReader reader(events);
  OrderHistory history(reader);
  const auto& statuses = history.before(of_order(10000, "a"));
  CHECK(statuses.size() == OrderHistory::max_statuses);
  CHECK(statuses.front().id == 6);
}

TEST_CASE("whatever is asked in whatever order, the history is that of the whole store") {
  std::minstd_rand chance{11};
  std::vector<queue::StoredEvent> events;
  for (queue::RowId id = 1; id <= 400; ++id) {
    auto event = of_order(id, "o" + std::to_string(chance() % 9));
    if (chance() % 8 == 0) event.body = "{}";
    events.push_back(event);
  }
  FakeReader reader(events);
  OrderHistory history(reader);
  for (int asked = 0; asked < 300; ++asked) {
    const auto& event = events[chance() % events.size()];
    std::vector<queue::RowId> expected;
    for (const auto& earlier : events) {
      if (earlier.id < event.id && earlier.order_key == event.order_key && earlier.body != "{}")
        expected.push_back(earlier.id);
    }
    CHECK(ids(history.before(event)) == expected);
  }
}
