#include "handlers/event/order_timeline.h"

#include "handlers/event/order_silent.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace wxpush;
using namespace wxpush::event;

namespace {

// The events of one order as the store would give them.
class Order {
 public:
  Order& status(int code, std::int64_t action_time, const std::string& waybill = "w1",
                const std::string& more = "") {
    return add(
        R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"o","waybill_id":")" +
        waybill + R"(","order_status":)" + std::to_string(code) + R"(,"action_time":)" +
        std::to_string(action_time) + more + "}");
  }
  Order& silent(std::size_t after_step, const std::string& waybill = "w1") {
    OrderSilent note;
    note.shopid = "s";
    note.shop_order_id = "o";
    note.waybill_id = waybill;
    note.after = std::chrono::minutes(10);
    note.last_event_id = events_.at(after_step).event_id;
    return add(write_order_silent(note));
  }
  Order& add(const std::string& body) {
    const std::uint64_t id = events_.size() + 1;
    const auto event = read_order_event(id, make_event_id("wx1", body),
                                        WallTime(std::chrono::seconds(5000 + id)), "wx1", body);
    REQUIRE(event);
    events_.push_back(*event);
    return *this;
  }
  OrderTimeline timeline() const { return order_timeline(events_); }

 private:
  std::vector<OrderEvent> events_;
};

std::vector<int> codes(const OrderDelivery& delivery) {
  std::vector<int> found;
  for (const auto& step : delivery.steps) found.push_back(step.status.order_status);
  return found;
}

int current(const OrderDelivery& delivery) {
  return delivery.current().status.order_status;
}

}  // namespace

TEST_CASE("an order without events has no deliveries, and is not open") {
  const auto order = order_timeline({});
  CHECK(order.deliveries.empty());
  CHECK_FALSE(order.open());
}

TEST_CASE("steps stand as stored, with what is known of each; carriers skip states") {
  const auto order = Order()
                         .status(102, 100, "w1", R"(,"agent":{"name":"张三","phone":"139"})")
                         .status(202, 200)
                         .status(302, 300)
                         .timeline();
  REQUIRE(order.deliveries.size() == 1);
  const auto& delivery = order.deliveries[0];
  CHECK(delivery.waybill_id == "w1");
  CHECK(codes(delivery) == std::vector{102, 202, 302});
  CHECK(current(delivery) == 302);
  CHECK(delivery.current().terminal());
  CHECK_FALSE(order.open());
  CHECK(order.events == 3);
  const auto& first = delivery.steps[0];
  CHECK(first.id == 1);
  CHECK(first.meaning()->english == "rider assigned");
  CHECK(first.meaning()->chinese == "分配骑手成功");
  CHECK(first.status.agent->name == "张三");  // as sent: masking is the printer's
  CHECK(first.at() == WallTime(std::chrono::seconds(100)));
  CHECK_FALSE(first.terminal());
}

TEST_CASE("two waybills of one order are two deliveries; the one that began last is what became") {
  const auto order = Order()
                         .status(101, 100, "w1")
                         .status(101, 200, "w2")
                         .status(502, 150, "w1")
                         .status(102, 300, "w2")
                         .timeline();
  REQUIRE(order.deliveries.size() == 2);
  CHECK(order.deliveries[0].waybill_id == "w1");
  CHECK(codes(order.deliveries[0]) == std::vector{101, 502});
  CHECK(codes(order.deliveries[1]) == std::vector{101, 102});
  CHECK(current(order.latest()) == 102);
  CHECK(order.open());
}

TEST_CASE("a final status that is followed by more is not the current one") {
  const auto order = Order().status(502, 100).status(102, 200).status(202, 300).timeline();
  CHECK(current(order.latest()) == 202);
  CHECK(order.open());
}

TEST_CASE("a stale step stays visible and is not the current one") {
  const auto order = Order().status(101, 100).status(302, 300).status(202, 200).timeline();
  const auto& steps = order.latest().steps;
  REQUIRE(steps.size() == 3);
  CHECK(steps[2].stale);
  CHECK_FALSE(steps[1].stale);
  CHECK(current(order.latest()) == 302);
}

TEST_CASE("at the same action_time the later phase is current; in one phase, what came later") {
  CHECK(current(Order().status(301, 100).status(202, 100).timeline().latest()) == 301);
  CHECK(current(Order().status(202, 100).status(301, 100).timeline().latest()) == 301);
  CHECK(current(Order().status(201, 100).status(202, 100).timeline().latest()) == 202);
  CHECK(current(Order().status(302, 0).status(101, 0).timeline().latest()) == 101);
}

TEST_CASE("a repeat points to the first that said it, which stays the current one") {
  const auto order = Order().status(102, 100).status(102, 100, "w1", R"(,"x":1)").timeline();
  const auto& delivery = order.latest();
  CHECK(delivery.steps[1].repeat_of == 1);
  CHECK(delivery.current_index == 0);
}

TEST_CASE("a code that nobody knows stays visible, and is not final") {
  const auto order = Order().status(102, 100).status(999, 200).timeline();
  CHECK(current(order.latest()) == 999);
  CHECK(order.latest().current().meaning() == nullptr);
  CHECK(order.open());
}

TEST_CASE("without a usable action_time the time of arrival stands in") {
  const auto order = Order().status(102, 0).timeline();
  CHECK(order.latest().current().at() == WallTime(std::chrono::seconds(5001)));
}

TEST_CASE("a time in milliseconds does not keep an order from going on") {
  const auto order = Order().status(101, 1700000000000).status(302, 1700000900).timeline();
  CHECK_FALSE(order.latest().steps[1].stale);
  CHECK(current(order.latest()) == 302);
  CHECK_FALSE(order.open());
}

TEST_CASE("a stale step is never the current one, also behind one without a time") {
  const auto order = Order().status(302, 100).status(201, 0).status(101, 50).timeline();
  REQUIRE(order.latest().steps[2].stale);
  CHECK(order.latest().current_index == 1);
}

TEST_CASE("a status without a waybill_id that comes after the numbered ones opens nothing again") {
  const auto late = Order().status(302, 100, "w1").status(102, 50, "").timeline();
  REQUIRE(late.deliveries.size() == 2);
  CHECK(late.latest().waybill_id == "w1");
  CHECK_FALSE(late.open());
  CHECK_FALSE(Order().status(302, 100, "w1").status(102, 0, "").timeline().open());
}

TEST_CASE("a status without a waybill_id counts where it is further on: a new attempt") {
  const auto order = Order().status(502, 100, "w1").status(101, 200, "").timeline();
  CHECK(order.latest().waybill_id.empty());
  CHECK(order.open());
  CHECK(Order().status(101, 50, "").status(302, 100, "w1").timeline().latest().waybill_id == "w1");
}

TEST_CASE("a silence is noted at the step that it tells of, also when more came later") {
  const auto order =
      Order().status(101, 100).status(102, 200).silent(1).status(302, 900).timeline();
  const auto& steps = order.latest().steps;
  REQUIRE(steps.size() == 3);
  CHECK_FALSE(steps[0].silence);
  REQUIRE(steps[1].silence);
  CHECK(steps[1].silence->id == 3);
  CHECK(steps[1].silence->after == std::chrono::minutes(10));
  CHECK(current(order.latest()) == 302);
  CHECK(order.events == 4);
}

TEST_CASE("other messages of the order, and unreadable ones, are no part of it") {
  for (const auto* body : {R"({"Event":"transport_cancel_order","shopid":"s","shop_order_id":"o"})",
                           R"({"Event":"update_waybill_status","order_status":"soon"})",
                           R"({"Event":"wxpush.order_silent"})", "broken", ""}) {
    CHECK_FALSE(read_order_event(1, {}, {}, "wx1", body));
  }
}
