// [[app.route]], and the event types that it and [[handler]] name.
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

constexpr std::size_t most_routes = 64;

// One entry; its keys read "app.shop.route[1].url", and no variable sets them.
Route read_route(Section& section) {
  Route route;
  read_events(section, route.events);
  if (!section.find("events"))
    section.missing("events", "name the event types that it is for, such as [\"message.*\"]");
  section.choice("mode", route.mode, route_mode_names);
  read_back_end(section, route);
  section.flag("store", route.store);
  section.finish();
  return route;
}

}  // namespace

void read_events(Section& section, std::vector<std::string>& into) {
  const auto list =
      section.list("events", "an array of event types such as \"update_waybill_status\"", 256);
  if (!list) return;
  if (list->items.empty()) section.problem("events", "lists nothing; write \"*\" for all events");
  for (const auto& item : list->items) {
    std::string type = lower(item.value);
    const std::string_view stem =
        std::string_view(type).substr(0, type.size() - (type.ends_with('*') ? 1 : 0));
    if (type.empty() || type.size() > 128 || !consists_of(stem, "a0_.")) {
      section.loading().problem(item.origin,
                                quote_short(item.value) +
                                    " is no event type; it has 1 to 128 letters, digits, \"_\" "
                                    "or \".\" and may end with \"*\", such as \"transport_*\"");
      continue;
    }
    into.push_back(std::move(type));
  }
}

std::vector<Route> read_routes(Section& app) {
  std::vector<Route> routes;
  const Node* const list = app.file_only("route");
  if (list == nullptr) return routes;
  const bool are_tables = list->kind == Node::Kind::array && list->items.size() <= most_routes &&
                          std::all_of(list->items.begin(), list->items.end(), [](const Node& item) {
                            return item.kind == Node::Kind::table;
                          });
  if (!are_tables) {
    app.loading().problem(
        app.origin_in_file(*list, "route"),
        "must be an array of up to " + std::to_string(most_routes) + " tables: [[app.route]]");
    return routes;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Node& table = list->items[i];
    Section section(app.loading(), &table,
                    app.origin_in_file(table, "route[" + std::to_string(i + 1) + "]"), "");
    routes.push_back(read_route(section));
  }
  return routes;
}

}  // namespace wxpush::config
