// What became of orders: finding them in the store, and how they are shown.
#include "handlers/event/json.h"
#include "handlers/event/message.h"
#include "handlers/event/order_silent.h"
#include "server/cli/order_view.h"
#include "tests/server/cli/support.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace wxpush;
using namespace wxpush::cli;
using namespace wxpush::cli::test;
using namespace wxpush::server;

namespace {

constexpr const char* rider =
    R"(,"action_msg":"给李四","agent":{"name":"张三","phone":"13800000000","reach_time":1700000900})";

struct Store {
  FakeReader reader;

  Store() { reader.page = 500; }
  queue::StoredEvent& status(const std::string& order, int code, int action_time,
                             const std::string& waybill = "w", const std::string& more = "") {
    return keyed(R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":")" + order +
                 R"(","waybill_id":")" + waybill + R"(","order_status":)" + std::to_string(code) +
                 R"(,"action_time":)" + std::to_string(action_time) + more + "}");
  }
  queue::StoredEvent& keyed(const std::string& body) {
    auto& event = reader.add(body);
    event.order_key = event::read_message(event.appid, body).order_key;
    event.type = event::read_message(event.appid, body).type;
    return event;
  }
  void silent_after(const queue::StoredEvent& status, const std::string& order) {
    event::OrderSilent note;
    note.shopid = "s";
    note.shop_order_id = order;
    note.waybill_id = "w";
    note.order_status = 101;
    note.after = std::chrono::minutes(10);
    note.last_event_id = status.event_id;
    keyed(event::write_order_silent(note));
  }
};

std::vector<std::string> listed(queue::Reader& reader, std::size_t most = 100,
                                const queue::EventFilter& filter = {}) {
  std::vector<std::string> orders;
  newest_orders(reader, filter, [&](const OrderView& order) {
    orders.push_back(order.order_key.substr(order.order_key.rfind('/') + 1));
    return orders.size() < most;
  });
  return orders;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("orders are listed by their newest event, each once, and no further than asked") {
  Store store;
  store.status("a", 101, 100);
  store.status("b", 101, 110);
  store.reader.add(R"({"Event":"debug_demo"})").type = "debug_demo";
  store.status("c", 101, 120);
  store.status("a", 302, 130);
  CHECK(listed(store.reader) == Names{"a", "c", "b"});
  CHECK(listed(store.reader, 2) == Names{"a", "c"});
  FakeReader empty;
  CHECK(listed(empty).empty());
}

TEST_CASE("since and until are about an order's newest event") {
  Store store;
  store.status("a", 101, 100);
  store.status("b", 101, 110);
  store.status("a", 102, 120);
  queue::EventFilter filter;
  filter.since = store.reader.stored[2].received_at;
  CHECK(listed(store.reader, 100, filter) == Names{"a"});
  filter.since.reset();
  filter.before = store.reader.stored[2].received_at;
  CHECK(listed(store.reader, 100, filter) == Names{"b"});
}

TEST_CASE("an order is whole, however far apart its events lie") {
  Store store;
  store.status("a", 101, 100);
  store.status("b", 101, 110);
  store.status("a", 102, 120);
  store.status("c", 101, 130);
  store.status("a", 302, 140);
  store.reader.stored[2].id = 400'000;  // in a stretch of ids of its own
  store.reader.stored[3].id = 900'000;
  store.reader.stored[4].id = 1'000'000;
  store.reader.page = 10'000'000;  // of ids, as this reader counts
  std::vector<OrderView> orders;
  newest_orders(store.reader, {}, [&](const OrderView& order) {
    orders.push_back(order);
    return true;
  });
  REQUIRE(orders.size() == 3);
  CHECK(orders[0].timeline.events == 3);
  CHECK(orders[0].timeline.latest().steps.size() == 3);
  CHECK(orders[1].timeline.events == 1);
}

TEST_CASE("an order is found by its key, its shop_order_id, or a waybill_id") {
  Store store;
  store.status("a", 101, 100, "w1");
  store.status("b", 101, 110, "w2");
  store.status("a", 101, 120, "w3");
  const auto keys = [&](const std::string& text) {
    Names found;
    for (const auto& order : find_orders(store.reader, text, "")) found.push_back(order.order_key);
    return found;
  };
  CHECK(keys("wx0123456789abcdef/s/a") == Names{"wx0123456789abcdef/s/a"});
  CHECK(keys("a") == Names{"wx0123456789abcdef/s/a"});
  CHECK(keys("w1") == Names{"wx0123456789abcdef/s/a"});
  CHECK(keys("w2") == Names{"wx0123456789abcdef/s/b"});
  CHECK(keys("w") == Names{});  // the beginning of an id is none
  CHECK(keys("wx0123456789abcdef/s/z").empty());
  CHECK(find_orders(store.reader, "w3", "")[0].timeline.deliveries.size() == 2);
}

TEST_CASE("several orders with one id are all found, the newest first") {
  Store store;
  store.status("a", 101, 100, "same");
  store.status("b", 101, 110, "same");
  const auto orders = find_orders(store.reader, "same", "");
  REQUIRE(orders.size() == 2);
  CHECK(orders[0].order_key == "wx0123456789abcdef/s/b");
}

TEST_CASE("a summary says what became of the order") {
  Store store;
  const auto first = store.status("a", 101, 1'700'000'000);
  store.silent_after(first, "a");
  const auto order = find_orders(store.reader, "a", "").at(0);
  const auto row = to_row(order);
  CHECK(row[0] == "wx0123456789abcdef/s/a");
  CHECK(row[2] == "101 waiting for a rider, silent");
  CHECK(row[4] == "1");
  CHECK(row[5] == "2");
  const auto json = event::JsonDocument::parse(to_summary_json(order));
  REQUIRE(json);
  CHECK(json->root()["shop_order_id"].string() == "a");
  CHECK(json->root()["open"].boolean() == true);
  CHECK(json->root()["order_status"].integer() == 101);
  CHECK(json->root()["meaning_zh"].string() == "等待分配骑手");
  CHECK(json->root()["silent"].boolean() == true);
  CHECK(json->root()["deliveries"].integer() == 1);
}

TEST_CASE("a timeline shows every step, names and phones masked unless revealed") {
  Store store;
  const auto first = store.status("a", 101, 1'700'000'000);
  store.silent_after(first, "a");
  store.status("a", 102, 1'700'000'100, "w", rider);
  store.status("a", 302, 1'700'000'300);
  store.status("a", 202, 1'700'000'200);
  store.status("a", 888, 1'700'000'400, "other");
  const auto order = find_orders(store.reader, "a", "").at(0);
  for (const bool reveal : {false, true}) {
    std::ostringstream table;
    print_order(table, order, reveal);
    const auto line = to_json(order, reveal);
    for (const auto& text : {table.str(), line}) {
      CHECK(holds(text, "张三") == reveal);
      CHECK(holds(text, "13800000000") == reveal);
    }
    CHECK(holds(line, "给李四") == reveal);
    for (const auto* part :
         {"101 waiting for a rider", "current, final", "stale", "silent, told ", "888 (unknown)"}) {
      CHECK_MESSAGE(holds(table.str(), part), part);
    }
  }
  const auto json = event::JsonDocument::parse(to_json(order, false));
  REQUIRE(json);
  const auto deliveries = json->root()["deliveries"].elements();
  REQUIRE(deliveries.size() == 2);
  CHECK(deliveries[0]["order_status"].integer() == 302);
  const auto steps = deliveries[0]["steps"].elements();
  REQUIRE(steps.size() == 4);
  CHECK(steps[0]["silent"]["after_seconds"].integer() == 600);
  CHECK(steps[0]["rider"].is_null());
  CHECK(steps[1]["rider"]["name"].string() == "***");
  CHECK(steps[2]["current"].boolean() == true);
  CHECK(steps[2]["terminal"].boolean() == true);
  CHECK(steps[3]["stale"].boolean() == true);
  CHECK(deliveries[1]["meaning"].is_null());
}
