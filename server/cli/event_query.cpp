#include "server/cli/event_query.h"

#include "handlers/event/message.h"
#include "server/cli/command.h"
#include "server/cli/time_text.h"
#include "server/order_query.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>

namespace wxpush::cli {
namespace {

std::optional<WallTime> time_option(const char* name, const std::string& text, WallTime now) {
  if (text.empty()) return std::nullopt;
  const auto time = parse_time(text, now);
  if (!time) {
    throw CommandError(
        exit_usage,
        std::string(name) +
            ": neither a time (2026-11-02T09:30:00+08:00) nor how long ago (2h): " + text);
  }
  return time;
}

bool all_of(const std::string& text, std::string_view alphabet) {
  return !text.empty() && text.find_first_not_of(alphabet) == std::string::npos;
}

std::optional<queue::StoredEvent> find_by_number(queue::Reader& reader, const std::string& text) {
  queue::RowId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return reader.find(id);
}

}  // namespace

void add_narrow_query(CLI::App& command, QueryOptions& options) {
  command.add_option("--app", options.app, "of this app")->type_name("NAME");
  command
      .add_option("--type", options.type, "lower-case Event; a trailing * takes all that begin so")
      ->type_name("TYPE");
  command.add_option("--order", options.order, "a printed order key, or a shop_order_id alone")
      ->type_name("ORDER");
  command.add_option("--since", options.since, "received then or later: a time, or 2h, 1d")
      ->type_name("TIME");
  command.add_option("--until", options.until, "received before")->type_name("TIME");
}

bool has_narrow_filter(const QueryOptions& options) {
  return !options.app.empty() || !options.type.empty() || !options.order.empty() ||
         !options.since.empty() || !options.until.empty();
}

void add_query(CLI::App& command, QueryOptions& options) {
  add_narrow_query(command, options);
  command.add_option("--state", options.state, "pending, delivered, dead or unrouted")
      ->check(CLI::IsMember({"pending", "delivered", "dead", "unrouted"}))
      ->type_name("STATE");
  command
      .add_option("--handler", options.handler, "asked for by this handler; --state is then its")
      ->type_name("NAME");
}

EventQuery make_query(const QueryOptions& options, WallTime now) {
  EventQuery query;
  query.filter.app = options.app;
  query.filter.type = options.type;
  query.filter.since = time_option("--since", options.since, now);
  query.filter.before = time_option("--until", options.until, now);
  const bool whole_key = options.order.find('/') != std::string::npos;
  (whole_key ? query.filter.order_key : query.bare_order) = options.order;
  query.handler = options.handler;
  if (!options.state.empty()) query.state = parse_state(options.state);
  return query;
}

bool covers(const EventQuery& query, const queue::StoredEvent& event) {
  const auto& filter = query.filter;
  return (filter.app.empty() || filter.app == event.app) &&
         (filter.type.empty() || event::matches_type(filter.type, event.type)) &&
         (filter.order_key.empty() || filter.order_key == event.order_key) &&
         (query.bare_order.empty() || server::has_bare_order(event, query.bare_order)) &&
         (!filter.since || event.received_at >= *filter.since) &&
         (!filter.before || event.received_at < *filter.before);
}

std::optional<EventView> match(queue::Reader& reader, const EventQuery& query,
                               const queue::StoredEvent& event) {
  if (!query.bare_order.empty() && !server::has_bare_order(event, query.bare_order))
    return std::nullopt;
  EventView view{event, reader.deliveries(event), EventState::unrouted};
  view.state = state_of(view.deliveries);
  EventState asked = view.state;
  if (!query.handler.empty()) {
    const auto found = std::find_if(
        view.deliveries.begin(), view.deliveries.end(),
        [&](const queue::Delivery& delivery) { return delivery.handler == query.handler; });
    if (found == view.deliveries.end()) return std::nullopt;
    asked = state_of({*found});
  }
  if (query.state && asked != *query.state) return std::nullopt;
  return view;
}

queue::RowId for_each(queue::Reader& reader, const EventQuery& query,
                      const std::function<void(const EventView&)>& show,
                      const std::function<void()>& page_end) {
  queue::EventFilter filter = query.filter;
  while (true) {
    const queue::Reader::Page page = reader.events(filter);
    for (const queue::StoredEvent& event : page.events) {
      if (const auto view = match(reader, query, event)) show(*view);
    }
    page_end();
    filter.after = std::max(filter.after, page.next_after);
    if (page.end) return filter.after;
  }
}

std::vector<queue::RowId> newest(queue::Reader& reader, const EventQuery& query,
                                 std::size_t count) {
  constexpr queue::RowId window = 2000;
  const queue::RowId first = reader.figures().first_id;
  std::vector<queue::RowId> found;
  EventQuery part = query;
  queue::RowId until = reader.last_id();
  while (until > 0 && until >= first && found.size() < count) {
    part.filter.until = until;
    part.filter.after = until > window ? until - window : 0;
    std::vector<queue::RowId> ids;
    for_each(
        reader, part, [&](const EventView& view) { ids.push_back(view.event.id); }, [] {});
    found.insert(found.begin(), ids.begin(), ids.end());
    until = part.filter.after;
  }
  if (found.size() > count)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(count));
  return found;
}

queue::StoredEvent find_event(queue::Reader& reader, const std::string& text) {
  const bool number = all_of(text, "0123456789");
  std::string hex = text;
  for (char& c : hex) c = static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
  const bool prefix = all_of(hex, "0123456789abcdef") && hex.size() >= 8 && hex.size() <= 64;
  if (!number && !prefix) {
    throw CommandError(exit_usage,
                       "neither an id nor an event_id, nor 8 or more of its digits: " + text);
  }
  if (number) {  // also where it could be a prefix: ids are short, and asked for more often
    if (auto event = find_by_number(reader, text)) return *std::move(event);
  }
  const auto ids = prefix ? reader.find_by_event_id(hex) : std::vector<queue::RowId>{};
  if (ids.size() > 1) throw CommandError(exit_no, "several events begin with " + text);
  auto event = ids.empty() ? std::nullopt : reader.find(ids.front());
  if (!event) throw CommandError(exit_no, "no event " + text);
  return *std::move(event);
}

}  // namespace wxpush::cli
