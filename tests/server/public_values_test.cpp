#include "server/public_values.h"

#include "handlers/event/message.h"
#include "handlers/event/order_silent.h"

#include <doctest/doctest.h>

using namespace wxpush;
using std::chrono::milliseconds;

TEST_CASE("what a callback answers, as an outcome") {
  CHECK_FALSE(server::outcome_of(done()));
  CHECK_FALSE(server::outcome_of(Result()));
  const auto again = server::outcome_of(retry("busy", milliseconds(7)));
  REQUIRE(again);
  CHECK(again->error == "busy");
  CHECK(again->blame == sink::Blame::handler);
  CHECK(again->retry_after == milliseconds(7));
  CHECK_FALSE(again->permanent);
  CHECK_FALSE(server::outcome_of(retry("busy"))->retry_after);
  const auto never = server::outcome_of(permanent("nonsense"));
  REQUIRE(never);
  CHECK(never->error == "nonsense");
  CHECK(never->blame == sink::Blame::event);
  CHECK(never->permanent);
  CHECK_FALSE(server::outcome_of(permanent(""))->error.empty());
}

TEST_CASE("a delivery as a callback sees it") {
  sink::Delivery delivery;
  delivery.stored.id = 7;
  delivery.stored.event_id.bytes[0] = 0xAB;
  delivery.stored.app = "shop";
  delivery.stored.appid = "wxshop";
  delivery.stored.type = "update_waybill_status";
  delivery.stored.order_key = "wxshop/s/o";
  delivery.stored.received_at = WallTime(milliseconds(5));
  delivery.stored.event_time = WallTime(milliseconds(4));
  delivery.stored.body = "{}";
  delivery.marks = {true, 3};
  delivery.attempt = 2;
  delivery.replay = 4;
  auto event = server::public_event(delivery);
  CHECK(event.id == 7);
  CHECK(event.event_id == "ab" + std::string(62, '0'));
  CHECK(event.app == "shop");
  CHECK(event.appid == "wxshop");
  CHECK(event.type == "update_waybill_status");
  CHECK(event.order_key == "wxshop/s/o");
  CHECK(event.received_at == Time(milliseconds(5)));
  CHECK(event.event_time == Time(milliseconds(4)));
  CHECK(event.body == "{}");
  CHECK_FALSE(event.waybill_status);
  CHECK(event.attempt == 2);
  CHECK(event.stale);
  CHECK(event.repeat_of == 3);
  CHECK(event.replay == 4);

  delivery.message.waybill_status = event::WaybillStatus{
      "s", "o", "n", "w", 9, 302, "at the door", event::Agent{"Zhang", "1", std::nullopt, false}};
  event = server::public_event(delivery);
  REQUIRE(event.waybill_status);
  const auto& status = *event.waybill_status;
  CHECK(status.shopid + status.shop_order_id + status.shop_no + status.waybill_id == "sonw");
  CHECK(status.action_time.time_since_epoch().count() == 9);
  CHECK(status.order_status == 302);
  CHECK(status.action_msg == "at the door");
  REQUIRE(status.agent);
  CHECK(status.agent->name + status.agent->phone == "Zhang1");
  CHECK_FALSE(status.agent->reach_time);
}

TEST_CASE("a silence as a callback sees it") {
  sink::Delivery delivery;
  delivery.stored.type = event::order_silent_type;
  event::OrderSilent silent{"s", "o", "n", "w", 101, 9, 9, std::chrono::seconds(600), {}};
  silent.last_event_id.bytes[0] = 0xAB;
  delivery.stored.body = event::write_order_silent(silent);
  const auto event = server::public_event(delivery);
  CHECK_FALSE(event.waybill_status);
  REQUIRE(event.order_silent);
  const auto& made = *event.order_silent;
  CHECK(made.shopid + made.shop_order_id + made.shop_no + made.waybill_id == "sonw");
  CHECK(made.order_status == 101);
  CHECK(made.action_time.time_since_epoch().count() == 9);
  CHECK(made.after == std::chrono::minutes(10));
  CHECK(made.last_event_id == "ab" + std::string(62, '0'));
  delivery.stored.body = "{}";
  CHECK_FALSE(server::public_event(delivery).order_silent);
}

TEST_CASE("an order as a program sees it") {
  const auto step = [](std::uint64_t id, int code) {
    event::OrderStep made;
    made.id = id;
    made.event_id.bytes[0] = 0xAB;
    made.received_at = WallTime(milliseconds(5));
    made.status.order_status = code;
    return made;
  };
  event::OrderTimeline timeline;
  timeline.deliveries = {{"w1", {step(1, 101), step(2, 302), step(3, 202)}, 1},
                         {"", {step(4, 101)}, 0}};
  timeline.deliveries[0].steps[0].silence =
      event::OrderSilence{8, {}, WallTime(milliseconds(7)), std::chrono::seconds(60)};
  timeline.deliveries[0].steps[2].stale = true;
  timeline.deliveries[0].steps[2].repeat_of = 9;
  timeline.deliveries[0].steps[1].status.agent = event::Agent{"Zhang", "1", 7, false};
  auto order = server::public_order({"wx/s/o", "shop", "wx", timeline});
  CHECK(order.order_key + " " + order.app + " " + order.appid == "wx/s/o shop wx");
  REQUIRE(order.deliveries.size() == 2);
  CHECK_FALSE(order.open());
  const auto& delivery = order.latest();
  CHECK(delivery.waybill_id == "w1");
  REQUIRE(delivery.steps.size() == 3);
  CHECK(delivery.current().id == 2);
  CHECK(delivery.current().meaning()->english == "delivered");
  CHECK(delivery.current().terminal());
  CHECK(delivery.current().status.agent->name == "Zhang");
  CHECK(delivery.steps[0].event_id == "ab" + std::string(62, '0'));
  CHECK(delivery.steps[0].received_at == Time(milliseconds(5)));
  REQUIRE(delivery.steps[0].silence);
  CHECK(delivery.steps[0].silence->id == 8);
  CHECK(delivery.steps[0].silence->event_id == std::string(64, '0'));
  CHECK(delivery.steps[0].silence->told_at == Time(milliseconds(7)));
  CHECK(delivery.steps[0].silence->after == std::chrono::minutes(1));
  CHECK(delivery.steps[2].stale);
  CHECK(delivery.steps[2].repeat_of == 9);
  timeline.latest_index = 1;
  order = server::public_order({"wx/s/o", "shop", "wx", timeline});
  CHECK(order.latest().waybill_id.empty());
  CHECK(order.open());
}

TEST_CASE("every order_status has its meaning, the same as inside") {
  CHECK(order_statuses().size() == event::order_statuses().size());
  REQUIRE(find_order_status(302) != nullptr);
  CHECK(find_order_status(302)->english == "delivered");
  CHECK(find_order_status(302)->delivered);
  CHECK(find_order_status(302)->terminal);
  CHECK_FALSE(find_order_status(202)->terminal);
  CHECK(find_order_status(999) == nullptr);
}
