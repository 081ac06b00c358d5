// Which queue, stream or partition an event goes to: consumers hang on it, so that it never changes
// (docs/queues.md, "Order", has these values, too).
#include "handlers/sink/broker.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::sink;

namespace {

queue::StoredEvent of_order(const std::string& order_key) {
  queue::StoredEvent stored;
  stored.event_id = *event::parse_event_id("238985dcb2ef58de" + std::string(48, '0'));
  stored.order_key = order_key;
  return stored;
}

}  // namespace

TEST_CASE("an order's events have a partition of the order key alone") {
  const auto first = of_order("wx0123456789abcdef/SHOP1/A17");  // its hash: 0xb10327cd4c1b773b
  CHECK(partition_of(first, 4) == 3);
  CHECK(partition_of(first, 16) == 11);
  CHECK(partition_of(first, 256) == 59);
  const auto second = of_order("wx0123456789abcdef/店/订单-1");  // 0x46152faac7347879
  CHECK(partition_of(second, 4) == 1);
  CHECK(partition_of(second, 16) == 9);
  CHECK(partition_of(second, 256) == 121);
  CHECK(partition_of(second, 1) == 0);
}

TEST_CASE("an event of no order has one of its event_id's first 64 bits") {
  const auto stored = of_order("");
  CHECK(partition_of(stored, 4) == 2);
  CHECK(partition_of(stored, 16) == 14);
  CHECK(partition_of(stored, 256) == 222);
}

TEST_CASE("a broker that chooses by a key of ours gets the order key, or the event_id") {
  CHECK(partition_key(of_order("wx/s/o")) == "wx/s/o");
  CHECK(partition_key(of_order("")) == "238985dcb2ef58de" + std::string(48, '0'));
}

TEST_CASE("hosts as people write them") {
  CHECK(to_string(BrokerHost{"rabbit-1", 5672}) == "rabbit-1:5672");
  CHECK(to_string(BrokerHost{"::1", 5672}) == "[::1]:5672");
  CHECK(to_string(BrokerHost{"/run/redis/redis.sock", 0}) == "/run/redis/redis.sock");
}
