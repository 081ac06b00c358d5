#include "server/cli/event_view.h"

#include "handlers/event/json.h"
#include "server/cli/time_text.h"

#include <algorithm>

namespace wxpush::cli {
namespace {

using queue::DeliveryState;

bool any(const std::vector<queue::Delivery>& deliveries, DeliveryState state) {
  return std::any_of(deliveries.begin(), deliveries.end(),
                     [state](const queue::Delivery& delivery) { return delivery.state == state; });
}

const char* word_of(DeliveryState state) {
  switch (state) {
    case DeliveryState::pending:
      return "pending";
    case DeliveryState::delivered:
      return "delivered";
    case DeliveryState::dead:
      return "dead";
  }
  return "?";
}

// The same value on one line: a stored message may hold line ends between its members.
void copy(event::JsonWriter& json, const event::JsonValue& value) {
  if (value.is_object()) {
    json.begin_object();
    for (const auto& [name, member] : value.members()) copy(json.key(name), member);
    json.end_object();
  } else if (value.is_array()) {
    json.begin_array();
    for (const auto& element : value.elements()) copy(json, element);
    json.end_array();
  } else if (value.is_string()) {
    json.string(*value.string());
  } else if (value.is_number()) {
    json.raw(*value.text());
  } else if (const auto truth = value.boolean()) {
    json.boolean(*truth);
  } else {
    json.null();
  }
}

// The body as it is to be shown: an object if it is one, else text.
void write_body(event::JsonWriter& json, const queue::StoredEvent& event, bool reveal) {
  const std::string shown = reveal ? event.body : event::mask_personal(event.body);
  const auto document = event::JsonDocument::parse_torn(shown);
  if (document && document->root().is_object()) {
    copy(json, document->root());
  } else {
    json.string(shown);
  }
}

void write_time(event::JsonWriter& json, const std::optional<WallTime>& time) {
  time ? json.string(to_text(*time)) : json.null();
}

void write_text(event::JsonWriter& json, const std::string& text) {
  text.empty() ? json.null() : json.string(text);
}

void write_delivery(event::JsonWriter& json, const queue::Delivery& delivery) {
  json.begin_object();
  json.key("handler").string(delivery.handler);
  json.key("state").string(word_of(delivery.state));
  json.key("attempts").integer(delivery.attempts);
  write_time(json.key("next_attempt"), delivery.next_attempt);
  write_text(json.key("last_error"), delivery.last_error);
  json.end_object();
}

std::string in_words(const queue::Delivery& delivery) {
  std::string text = delivery.handler + ": " + word_of(delivery.state);
  if (delivery.attempts > 0) text += ", attempts " + std::to_string(delivery.attempts);
  if (delivery.next_attempt) text += ", next " + to_text(*delivery.next_attempt);
  if (!delivery.last_error.empty()) text += ", " + delivery.last_error;
  return text;
}

// "302 delivered", or nothing where the event has no order_status.
std::string status_of(const queue::StoredEvent& event) {
  const auto message = event::read_message(event.appid, event.body);
  if (!message.waybill_status) return {};
  const int code = message.waybill_status->order_status;
  const event::OrderStatus* known = event::find_order_status(code);
  return std::to_string(code) + ' ' + (known ? std::string(known->english) : "(unknown)");
}

}  // namespace

EventState state_of(const std::vector<queue::Delivery>& deliveries) {
  if (deliveries.empty()) return EventState::unrouted;
  if (any(deliveries, DeliveryState::dead)) return EventState::dead;
  return any(deliveries, DeliveryState::pending) ? EventState::pending : EventState::delivered;
}

const char* to_text(EventState state) {
  switch (state) {
    case EventState::unrouted:
      return "unrouted";
    case EventState::pending:
      return "pending";
    case EventState::delivered:
      return "delivered";
    case EventState::dead:
      return "dead";
  }
  return "?";
}

std::optional<EventState> parse_state(const std::string& text) {
  for (const EventState state :
       {EventState::unrouted, EventState::pending, EventState::delivered, EventState::dead}) {
    if (text == to_text(state)) return state;
  }
  return std::nullopt;
}

std::string order_key_of(const queue::StoredEvent& event) {
  return event.order_key.empty() ? event::to_string(event.event_id) : event.order_key;
}

std::string to_json(const EventView& view, bool reveal) {
  const queue::StoredEvent& event = view.event;
  event::JsonWriter json;
  json.begin_object();
  json.key("id").integer(static_cast<std::int64_t>(event.id));
  json.key("event_id").string(event::to_string(event.event_id));
  json.key("app").string(event.app);
  write_text(json.key("type"), event.type);
  json.key("order_key").string(order_key_of(event));
  json.key("received_at").string(to_text(event.received_at));
  write_time(json.key("event_time"), event.event_time);
  json.key("state").string(to_text(view.state));
  json.key("deliveries").begin_array();
  for (const queue::Delivery& delivery : view.deliveries) write_delivery(json, delivery);
  json.end_array();
  json.key("body");
  write_body(json, event, reveal);
  json.end_object();
  return json.take();
}

std::vector<std::string> event_titles() {
  return {"ID", "EVENT_ID", "RECEIVED", "APP", "TYPE", "STATE", "ORDER", "STATUS"};
}

std::vector<std::string> to_row(const EventView& view) {
  const queue::StoredEvent& event = view.event;
  return {std::to_string(event.id),
          event::to_string(event.event_id).substr(0, 12),
          to_text(event.received_at),
          event.app,
          event.type.empty() ? "(opaque)" : event.type,
          to_text(view.state),
          event.order_key.empty() ? "-" : event.order_key,
          status_of(event)};
}

std::vector<std::pair<std::string, std::string>> to_facts(const EventView& view, bool reveal) {
  const queue::StoredEvent& event = view.event;
  std::vector<std::pair<std::string, std::string>> facts{
      {"id", std::to_string(event.id)},
      {"event_id", event::to_string(event.event_id)},
      {"app", event.app + " (" + event.appid + ')'},
      {"type", event.type.empty() ? "(opaque)" : event.type},
      {"order_key", order_key_of(event)},
      {"received_at", to_text(event.received_at)},
      {"event_time", event.event_time ? to_text(*event.event_time) : "-"}};
  if (const std::string status = status_of(event); !status.empty()) {
    facts.emplace_back("order_status", status);
  }
  facts.emplace_back("state", to_text(view.state));
  for (const auto& delivery : view.deliveries) facts.emplace_back("delivery", in_words(delivery));
  facts.emplace_back("body", reveal ? event.body : event::mask_personal(event.body));
  return facts;
}

}  // namespace wxpush::cli
