// [orders].
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

using std::chrono::hours;

// Those of an order_status after which a push has to come; after a final one none need.
constexpr std::array watchable{101, 102, 201, 202, 301, 303, 304, 305};

bool is_watchable(const std::string& code) {
  return std::any_of(watchable.begin(), watchable.end(),
                     [&](int one) { return code == std::to_string(one); });
}

std::string all_watchable() {
  std::string all;
  for (const int code : watchable) all += (all.empty() ? "" : ", ") + std::to_string(code);
  return all;
}

void read_limit(Section& limits, const std::string& code, const Store& store, Orders& orders) {
  Milliseconds limit{0};
  limits.duration(code, limit, {std::chrono::seconds{1}, hours{24 * 7}});
  if (limit == Milliseconds{0}) return;  // a problem was told
  if (limit % std::chrono::seconds(1) != Milliseconds{0}) {
    limits.problem(code, "must be whole seconds, such as \"90s\"");
  } else if (limit > store.min_retention) {
    limits.problem(code, "is longer than store.min_retention, " +
                             quote(format_duration(store.min_retention)) +
                             ": the event that it hangs on might be gone by then; raise that, or "
                             "lower this");
  } else {
    orders.silent_after[std::stoi(code)] = limit;
  }
}

}  // namespace

void read_orders(Section section, const Store& store, Orders& orders) {
  if (const Node* table = section.file_only("silent_after")) {
    const Origin origin = section.origin_in_file(*table, "silent_after");
    if (table->kind != Node::Kind::table) {
      section.wrong_kind({origin, *table, false},
                         "a table of durations by order_status, such as { 101 = \"10m\" }");
    } else {
      Section limits(section.loading(), table, origin, "");
      for (const auto& [code, node] : table->members) {
        if (is_watchable(code)) {
          read_limit(limits, code, store, orders);
        } else {
          section.loading().problem(limits.origin_in_file(node, code),
                                    "is no status after which a push has to come; those are " +
                                        all_watchable() + " (docs/events.md)");
        }
      }
    }
  }
  section.finish();
}

}  // namespace wxpush::config
