#include "handlers/dispatch/upcoming.h"

#include "tests/handlers/dispatch/fake_store.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace wxpush;
using namespace wxpush::test;
using dispatch::Upcoming;

namespace {

// Of few orders, with times that go to and fro, so that many are stale and some repeat.
std::vector<queue::StoredEvent> random_events(std::size_t count, std::minstd_rand& chance) {
  const std::vector<int> statuses = {101, 102, 201, 301, 302};
  std::vector<queue::StoredEvent> events;
  for (queue::RowId id = 1; id <= count; ++id) {
    auto event = status_event(id, statuses[chance() % statuses.size()],
                              1'700'000'000 + static_cast<int>(chance() % 50));
    event.order_key = "o" + std::to_string(chance() % 20);
    if (chance() % 10 == 0) event = stored_event(id, "trade_manage");
    events.push_back(event);
  }
  return events;
}

// The marks by the whole store, read plainly.
event::Marks plain_marks(const std::vector<queue::StoredEvent>& events, queue::RowId id) {
  std::vector<event::StatusRecord> earlier;
  for (const auto& event : events) {
    auto message = event::read_message(event.appid, event.body);
    if (!message.waybill_status) continue;
    const event::StatusRecord record{event.id, message.business_key, *message.waybill_status};
    if (event.id == id) return event::marks_of(earlier, record);
    if (event.order_key == events[id - 1].order_key) earlier.push_back(record);
  }
  return {};
}

}  // namespace

TEST_CASE("deliveries have the marks that the whole store gives, however they are taken") {
  std::minstd_rand chance{3};
  const auto events = random_events(Upcoming::stride * 4, chance);
  FakeReader reader(events);
  Upcoming upcoming(reader);
  std::vector<queue::RowId> order;
  for (const auto& event : events) {
    if (chance() % 4 != 0) upcoming.keep(queue::StoredEvent(event));  // the others are read again
    order.push_back(event.id);
  }
  for (std::size_t i = 0; i + 40 < order.size(); i += 20)
    std::shuffle(order.begin() + static_cast<std::ptrdiff_t>(i),
                 order.begin() + static_cast<std::ptrdiff_t>(i + 40), chance);
  std::size_t stale = 0;
  std::size_t repeats = 0;
  for (const auto id : order) {
    const auto delivery = upcoming.take(id);
    REQUIRE(delivery);
    CHECK(delivery->stored.body == events[id - 1].body);
    CHECK(delivery->message.waybill_status.has_value() == !events[id - 1].order_key.empty());
    const auto expected = plain_marks(events, id);
    CHECK(delivery->marks.stale == expected.stale);
    CHECK(delivery->marks.repeat_of == expected.repeat_of);
    stale += expected.stale ? 1U : 0U;
    repeats += expected.repeat_of != 0 ? 1U : 0U;
  }
  CHECK(stale > 50);
  CHECK(repeats > 5);
}

TEST_CASE("what is kept is bounded, and taken once") {
  FakeReader reader({});
  Upcoming upcoming(reader);
  for (queue::RowId id = 1; id <= Upcoming::most_rows + 5; ++id)
    upcoming.keep(stored_event(id, "trade_manage"));
  CHECK(!upcoming.take(5));  // made room, and is not stored any more
  CHECK(upcoming.take(6));
  CHECK(!upcoming.take(6));
  auto large = stored_event(10'000, "trade_manage");
  large.body.assign(Upcoming::most_bytes, 'x');
  upcoming.keep(std::move(large));
  CHECK(!upcoming.take(7));
  CHECK(upcoming.take(10'000));
}
