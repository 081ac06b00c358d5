#include "handlers/event/order_timeline.h"

#include "handlers/event/marks.h"
#include "handlers/event/message.h"
#include "handlers/event/order_silent.h"
#include "handlers/event/unix_time.h"

#include <algorithm>
#include <utility>

namespace wxpush::event {
namespace {

OrderDelivery& delivery_of(OrderTimeline& order, const std::string& waybill_id) {
  const auto found = std::find_if(order.deliveries.begin(), order.deliveries.end(),
                                  [&](const auto& one) { return one.waybill_id == waybill_id; });
  if (found != order.deliveries.end()) return *found;
  order.deliveries.push_back({waybill_id, {}, 0});
  return order.deliveries.back();
}

// The furthest; of two that cannot be told apart, the one stored later. Stale counts against every
// earlier step, not only the current one, which may have no time to compare.
void advance(OrderDelivery& delivery) {
  const OrderStep& newest = delivery.steps.back();
  if (!newest.stale && newest.repeat_of == 0) delivery.current_index = delivery.steps.size() - 1;
}

// The numbered delivery that began last. A status without a waybill_id, which may be one of before
// the number was given and come late, counts only where it is further on.
std::size_t latest_of(const std::vector<OrderDelivery>& deliveries) {
  std::optional<std::size_t> numbered, nameless;
  for (std::size_t i = 0; i < deliveries.size(); ++i)
    (deliveries[i].waybill_id.empty() ? nameless : numbered) = i;
  if (!numbered) return nameless.value_or(0);
  const auto reached = [&](std::size_t i) { return progress_of(deliveries[i].current().status); };
  const bool has_newer = nameless && further_on(reached(*nameless), reached(*numbered));
  return has_newer ? *nameless : *numbered;
}

// At the step that it tells of; without that, which may have been erased, there is nothing to say.
void note(OrderTimeline& order, const OrderEvent& event) {
  for (auto& delivery : order.deliveries) {
    for (auto& step : delivery.steps) {
      if (step.event_id == event.silence->last_event_id)
        step.silence =
            OrderSilence{event.id, event.event_id, event.received_at, event.silence->after};
    }
  }
}

}  // namespace

std::optional<OrderEvent> read_order_event(std::uint64_t id, const EventId& event_id,
                                           WallTime received_at, std::string_view appid,
                                           std::string_view body) {
  auto message = read_message(appid, body);
  OrderEvent event{id, event_id, received_at, std::move(message.business_key), {}, {}};
  if (message.waybill_status) {
    event.status = std::move(*message.waybill_status);
    return event;
  }
  if (message.type != order_silent_type) return std::nullopt;
  auto silent = read_order_silent(body);
  if (!silent) return std::nullopt;
  event.status.shopid = std::move(silent->shopid);
  event.status.shop_order_id = std::move(silent->shop_order_id);
  event.status.shop_no = std::move(silent->shop_no);
  event.status.waybill_id = std::move(silent->waybill_id);
  event.status.action_time = silent->action_time;
  event.status.order_status = silent->order_status;
  event.silence = OrderEvent::Silence{silent->last_event_id, silent->after};
  return event;
}

WallTime OrderStep::at() const {
  if (!is_unix_seconds(status.action_time)) return received_at;
  return WallTime(std::chrono::seconds(status.action_time));
}

OrderTimeline order_timeline(const std::vector<OrderEvent>& events) {
  OrderTimeline order;
  std::vector<StatusRecord> earlier;
  for (const auto& event : events) {
    ++order.events;
    if (event.silence) {
      note(order, event);
      continue;
    }
    StatusRecord record{event.id, event.business_key, event.status};
    const Marks marks = marks_of(earlier, record);
    earlier.push_back(std::move(record));
    auto& delivery = delivery_of(order, event.status.waybill_id);
    delivery.steps.push_back({event.id, event.event_id, event.received_at, event.status,
                              marks.stale, marks.repeat_of, std::nullopt});
    advance(delivery);
  }
  order.latest_index = latest_of(order.deliveries);
  return order;
}

}  // namespace wxpush::event
