#include "server/public_values.h"

#include "handlers/event/message.h"

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

TEST_CASE("every order_status has its meaning, the same as inside") {
  CHECK(order_statuses().size() == event::order_statuses().size());
  REQUIRE(find_order_status(302) != nullptr);
  CHECK(find_order_status(302)->english == "delivered");
  CHECK(find_order_status(302)->delivered);
  CHECK(find_order_status(302)->terminal);
  CHECK_FALSE(find_order_status(202)->terminal);
  CHECK(find_order_status(999) == nullptr);
}
