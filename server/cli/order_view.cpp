#include "server/cli/order_view.h"

#include "handlers/event/json.h"
#include "server/cli/output.h"
#include "server/cli/time_text.h"

#include <ostream>
#include <string_view>

namespace wxpush::cli {
namespace {

using event::OrderDelivery;
using event::OrderStep;

// "302 delivered".
std::string status_of(const OrderStep& step) {
  const auto* meaning = step.meaning();
  return std::to_string(step.status.order_status) + ' ' +
         (meaning != nullptr ? std::string(meaning->english) : "(unknown)");
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string masked(const std::string& text, bool reveal) {
  return reveal || text.empty() ? text : "***";
}

std::string marks_of(const OrderStep& step, bool is_current) {
  std::string marks;
  const auto add = [&](const std::string& mark) { marks += (marks.empty() ? "" : ", ") + mark; };
  if (is_current) add("current");
  if (step.terminal()) add("final");
  if (step.stale) add("stale");
  if (step.repeat_of != 0) add("repeats " + std::to_string(step.repeat_of));
  if (step.silence) add("silent, told " + to_text(step.silence->told_at));
  return or_dash(marks);
}

std::string rider_of(const OrderStep& step, bool reveal) {
  if (!step.status.agent) return "-";
  const auto& agent = *step.status.agent;
  std::string text = masked(agent.name, reveal) + ' ' + masked(agent.phone, reveal);
  if (agent.reach_time)
    text += " until " + to_text(WallTime(std::chrono::seconds(*agent.reach_time)));
  return text;
}

void write_text(event::JsonWriter& json, std::string_view name, std::string_view text) {
  json.key(name);
  text.empty() ? json.null() : json.string(text);
}

void write_status(event::JsonWriter& json, const OrderStep& step) {
  const auto* meaning = step.meaning();
  json.key("order_status").integer(step.status.order_status);
  write_text(json, "meaning", meaning != nullptr ? meaning->english : std::string_view{});
  write_text(json, "meaning_zh", meaning != nullptr ? meaning->chinese : std::string_view{});
  json.key("terminal").boolean(step.terminal());
}

void write_silence(event::JsonWriter& json, const OrderStep& step) {
  json.key("silent");
  if (!step.silence) {
    json.null();
    return;
  }
  json.begin_object();
  json.key("id").integer(static_cast<std::int64_t>(step.silence->id));
  json.key("event_id").string(event::to_string(step.silence->event_id));
  json.key("told_at").string(to_text(step.silence->told_at));
  json.key("after_seconds").integer(step.silence->after.count());
  json.end_object();
}

void write_rider(event::JsonWriter& json, const OrderStep& step, bool reveal) {
  json.key("rider");
  if (!step.status.agent) {
    json.null();
    return;
  }
  const auto& agent = *step.status.agent;
  json.begin_object();
  write_text(json, "name", masked(agent.name, reveal));
  write_text(json, "phone", masked(agent.phone, reveal));
  write_text(json, "reach_time",
             agent.reach_time ? to_text(WallTime(std::chrono::seconds(*agent.reach_time)))
                              : std::string{});
  json.end_object();
}

void write_step(event::JsonWriter& json, const OrderStep& step, bool is_current, bool reveal) {
  json.begin_object();
  json.key("id").integer(static_cast<std::int64_t>(step.id));
  json.key("event_id").string(event::to_string(step.event_id));
  write_status(json, step);
  json.key("at").string(to_text(step.at()));
  json.key("action_time").integer(step.status.action_time);
  json.key("received_at").string(to_text(step.received_at));
  json.key("current").boolean(is_current);
  json.key("stale").boolean(step.stale);
  json.key("repeat_of");
  step.repeat_of != 0 ? json.integer(static_cast<std::int64_t>(step.repeat_of)) : json.null();
  write_rider(json, step, reveal);
  write_text(json, "action_msg", masked(step.status.action_msg, reveal));
  write_silence(json, step);
  json.end_object();
}

void write_delivery(event::JsonWriter& json, const OrderDelivery& delivery, bool reveal) {
  json.begin_object();
  write_text(json, "waybill_id", delivery.waybill_id);
  write_text(json, "shop_no", delivery.current().status.shop_no);
  write_status(json, delivery.current());
  json.key("since").string(to_text(delivery.current().at()));
  json.key("steps").begin_array();
  for (std::size_t i = 0; i < delivery.steps.size(); ++i)
    write_step(json, delivery.steps[i], i == delivery.current_index, reveal);
  json.end_array();
  json.end_object();
}

void write_order(event::JsonWriter& json, const server::OrderView& order) {
  const auto& status = order.timeline.latest().current().status;
  json.key("order_key").string(order.order_key);
  json.key("app").string(order.app);
  json.key("shopid").string(status.shopid);
  json.key("shop_order_id").string(status.shop_order_id);
  json.key("open").boolean(order.timeline.open());
}

}  // namespace

std::vector<std::string> order_titles() {
  return {"ORDER", "WAYBILL", "STATUS", "SINCE", "DELIVERIES", "EVENTS"};
}

std::vector<std::string> to_row(const server::OrderView& order) {
  const auto& timeline = order.timeline;
  const auto& current = timeline.latest().current();
  return {order.order_key,
          or_dash(timeline.latest().waybill_id),
          status_of(current) + (current.silence ? ", silent" : ""),
          to_text(current.at()),
          std::to_string(timeline.deliveries.size()),
          std::to_string(timeline.events)};
}

std::string to_summary_json(const server::OrderView& order) {
  const auto& timeline = order.timeline;
  const auto& current = timeline.latest().current();
  event::JsonWriter json;
  json.begin_object();
  write_order(json, order);
  write_text(json, "waybill_id", timeline.latest().waybill_id);
  write_status(json, current);
  json.key("since").string(to_text(current.at()));
  json.key("silent").boolean(current.silence.has_value());
  json.key("deliveries").integer(static_cast<std::int64_t>(timeline.deliveries.size()));
  json.key("events").integer(static_cast<std::int64_t>(timeline.events));
  json.end_object();
  return json.take();
}

void print_order(std::ostream& out, const server::OrderView& order, bool reveal) {
  print_facts(out, {{"order", order.order_key}, {"app", order.app}});
  for (const auto& delivery : order.timeline.deliveries) {
    out << '\n';
    print_facts(out, {{"waybill", or_dash(delivery.waybill_id)},
                      {"status", status_of(delivery.current())},
                      {"since", to_text(delivery.current().at())}});
    Table table(out, {"ID", "AT", "RECEIVED", "STATUS", "RIDER", "MARKS"});
    for (std::size_t i = 0; i < delivery.steps.size(); ++i) {
      const OrderStep& step = delivery.steps[i];
      table.add({std::to_string(step.id), to_text(step.at()), to_text(step.received_at),
                 status_of(step), rider_of(step, reveal),
                 marks_of(step, i == delivery.current_index)});
    }
    table.flush();
  }
}

std::string to_json(const server::OrderView& order, bool reveal) {
  event::JsonWriter json;
  json.begin_object();
  write_order(json, order);
  json.key("deliveries").begin_array();
  for (const auto& delivery : order.timeline.deliveries) write_delivery(json, delivery, reveal);
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace wxpush::cli
