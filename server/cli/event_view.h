#pragma once
// A stored event as the commands show it (docs/cli.md, "Events").

#include "handlers/queue/reader.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::cli {

// Of an event over all handlers that asked for it: dead if it is dead for any, else pending if it
// is pending for any, else delivered; unrouted if none asked.
enum class EventState { unrouted, pending, delivered, dead };
EventState state_of(const std::vector<queue::Delivery>& deliveries);
const char* to_text(EventState state);
std::optional<EventState> parse_state(const std::string& text);

struct EventView {
  queue::StoredEvent event;
  std::vector<queue::Delivery> deliveries;
  EventState state = EventState::unrouted;
};

// The printed order key; an event without one is ordered with nothing but itself: its event_id.
std::string order_key_of(const queue::StoredEvent& event);

// One line: id, event_id, app, type, order_key, received_at, event_time, state, deliveries, body.
// Names and phone numbers are masked unless `reveal`.
std::string to_json(const EventView& view, bool reveal);

// The row of a table, its titles, and everything about one event.
std::vector<std::string> event_titles();
std::vector<std::string> to_row(const EventView& view);
std::vector<std::pair<std::string, std::string>> to_facts(const EventView& view, bool reveal);

}  // namespace wxpush::cli
