#pragma once
// Finding stored events: by id, and by what they are about. Reads page by page and holds nothing of
// the store between pages.

#include "server/cli/event_view.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace wxpush::cli {

struct QueryOptions {
  std::string app, type, order, since, until, state, handler;
};
void add_query(CLI::App& command, QueryOptions& options);
// Without --state and --handler.
void add_narrow_query(CLI::App& command, QueryOptions& options);
bool has_narrow_filter(const QueryOptions& options);  // any of these was given

// Which events are meant; the part that the store answers itself, and the rest.
struct EventQuery {
  queue::EventFilter filter;
  std::string bare_order;  // a shop_order_id or the like, compared with the key's last part
  std::optional<EventState> state;
  std::string handler;
};
// CommandError 64 for a time or state that cannot be read. An order with a '/' in it is a printed
// order key, one without is its last part alone (or the event_id of an unordered event).
EventQuery make_query(const QueryOptions& options, WallTime now);

// Whether the event is one of those meant, its state aside.
bool covers(const EventQuery& query, const queue::StoredEvent& event);

// The event with its deliveries, if it is one of those meant. With a handler the state asked for is
// that handler's.
std::optional<EventView> match(queue::Reader& reader, const EventQuery& query,
                               const queue::StoredEvent& event);

// Calls `show` for every match in (after, until], in id order, and `page_end` after every page.
// Answers the id to go on after.
queue::RowId for_each(queue::Reader& reader, const EventQuery& query,
                      const std::function<void(const EventView&)>& show,
                      const std::function<void()>& page_end);

// The ids of the newest `count` matches, ascending; of those that are stored now.
std::vector<queue::RowId> newest(queue::Reader& reader, const EventQuery& query, std::size_t count);

// `text`: an id, an event_id, or a prefix of it of 8 digits or more. CommandError 64 if it is none
// of these, 1 if no event or several have it.
queue::StoredEvent find_event(queue::Reader& reader, const std::string& text);

}  // namespace wxpush::cli
