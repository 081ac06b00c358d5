#include "server/public_values.h"

#include "handlers/event/order_silent.h"

#include <chrono>

namespace wxpush {
namespace server {
namespace {

std::chrono::sys_seconds to_time(std::int64_t seconds) {
  return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

WaybillStatus public_status(const event::WaybillStatus& status) {
  WaybillStatus made;
  made.shopid = status.shopid;
  made.shop_order_id = status.shop_order_id;
  made.shop_no = status.shop_no;
  made.waybill_id = status.waybill_id;
  made.action_time = to_time(status.action_time);
  made.order_status = status.order_status;
  made.action_msg = status.action_msg;
  if (status.agent) {
    Agent agent{status.agent->name, status.agent->phone, std::nullopt};
    if (status.agent->reach_time) agent.reach_time = to_time(*status.agent->reach_time);
    made.agent = std::move(agent);
  }
  return made;
}

OrderSilent public_silent(const event::OrderSilent& silent) {
  OrderSilent made;
  made.shopid = silent.shopid;
  made.shop_order_id = silent.shop_order_id;
  made.shop_no = silent.shop_no;
  made.waybill_id = silent.waybill_id;
  made.order_status = silent.order_status;
  made.action_time = to_time(silent.action_time);
  made.after = silent.after;
  made.last_event_id = event::to_string(silent.last_event_id);
  return made;
}

OrderStep public_step(const event::OrderStep& step) {
  OrderStep made;
  made.id = step.id;
  made.event_id = event::to_string(step.event_id);
  made.received_at = step.received_at;
  made.status = public_status(step.status);
  made.stale = step.stale;
  made.repeat_of = step.repeat_of;
  if (const auto& silence = step.silence) {
    made.silence = OrderSilence{silence->id, event::to_string(silence->event_id), silence->told_at,
                                silence->after};
  }
  return made;
}

}  // namespace

Event public_event(const sink::Delivery& delivery) {
  const auto& stored = delivery.stored;
  Event made;
  made.id = stored.id;
  made.event_id = event::to_string(stored.event_id);
  made.app = stored.app;
  made.appid = stored.appid;
  made.type = stored.type;
  made.order_key = stored.order_key;
  made.received_at = stored.received_at;
  made.event_time = stored.event_time;
  made.body = stored.body;
  const auto& status = delivery.message.waybill_status;
  if (status) made.waybill_status = public_status(*status);
  if (stored.type == event::order_silent_type) {
    if (const auto silent = event::read_order_silent(stored.body))
      made.order_silent = public_silent(*silent);
  }
  made.attempt = delivery.attempt;
  made.replay = delivery.replay;
  made.stale = delivery.marks.stale;
  made.repeat_of = delivery.marks.repeat_of;
  return made;
}

OrderTimeline public_order(const OrderView& order) {
  OrderTimeline made;
  made.order_key = order.order_key;
  made.app = order.app;
  made.appid = order.appid;
  made.latest_index = order.timeline.latest_index;
  for (const auto& delivery : order.timeline.deliveries) {
    OrderDelivery one;
    one.waybill_id = delivery.waybill_id;
    for (const auto& step : delivery.steps) one.steps.push_back(public_step(step));
    one.current_index = delivery.current_index;
    made.deliveries.push_back(std::move(one));
  }
  return made;
}

sink::Outcome outcome_of(const Result& result) {
  if (result.kind() == Result::Kind::done) return std::nullopt;
  sink::Failure failure;
  failure.permanent = result.kind() == Result::Kind::permanent;
  failure.blame = failure.permanent ? sink::Blame::event : sink::Blame::handler;
  failure.retry_after = result.after();
  failure.error = result.why().empty() ? "a result without a text" : result.why();
  return failure;
}

}  // namespace server

std::span<const OrderStatus> order_statuses() {
  static const auto all = [] {
    std::vector<OrderStatus> made;
    for (const auto& one : event::order_statuses())
      made.push_back({one.code, one.english, one.chinese, one.terminal, one.delivered});
    return made;
  }();
  return all;
}

const OrderStatus* find_order_status(int code) {
  for (const auto& one : order_statuses()) {
    if (one.code == code) return &one;
  }
  return nullptr;
}

}  // namespace wxpush
