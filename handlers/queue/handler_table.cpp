#include "handlers/queue/handler_table.h"

#include "handlers/queue/selection.h"

#include <algorithm>
#include <array>
#include <limits>
#include <sstream>
#include <utility>

namespace wxpush::queue {

bool asks_for(const HandlerRecord& handler, RowId id, std::string_view app, std::string_view type) {
  return id > handler.first && selects(handler.apps, handler.events, app, type);
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : "\n") + name;
  return all;
}

std::vector<std::string> split(std::string_view names) {
  std::vector<std::string> all;
  while (!names.empty()) {
    const std::size_t end = names.find('\n');
    all.emplace_back(names.substr(0, end));
    names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
  }
  return all;
}

std::vector<HandlerRecord> read_handlers(Connection& connection, std::int64_t start) {
  std::vector<HandlerRecord> found;
  Statement all(connection,
                "SELECT number, name, apps, events, first, cursor, last_registered_start "
                "FROM handler ORDER BY number");
  for (Rows rows = all.query(); rows.next();) {
    found.push_back({.number = static_cast<std::uint32_t>(rows.number(0)),
                     .name = std::string(rows.bytes(1)),
                     .apps = split(rows.bytes(2)),
                     .events = split(rows.bytes(3)),
                     .first = rows.number(4),
                     .cursor = rows.number(5),
                     .orphaned = rows.integer(6) != start});
  }
  return found;
}

HandlerTable::HandlerTable(Connection& connection, std::int64_t start)
    : connection_(connection),
      start_(start),
      insert_(connection,
              "INSERT INTO handler(name, apps, events, first, cursor, created_at, "
              "last_registered_start) VALUES(?1, ?2, ?3, ?4, ?4, ?5, ?6)"),
      rename_(connection, "UPDATE handler SET name = ?2 WHERE name = ?1"),
      update_(connection,
              "UPDATE handler SET apps = ?2, events = ?3, last_registered_start = ?4 "
              "WHERE name = ?1"),
      settle_(connection, "UPDATE handler SET cursor = max(cursor, ?2) WHERE number = ?1"),
      begin_(connection,
             "UPDATE handler SET first = ?2, cursor = max(cursor, ?2) WHERE number = ?1"),
      gone_(connection,
            "UPDATE handler SET first = ?2, last_registered_start = 0 WHERE number = ?1"),
      records_(read_handlers(connection, start)) {}

const HandlerRecord* HandlerTable::find(std::string_view name) const {
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const HandlerRecord& record) { return record.name == name; });
  return found == records_.end() ? nullptr : &*found;
}

void HandlerTable::enrol(const Registration& registration) {
  const std::string apps = joined(registration.apps);
  const std::string events = joined(registration.events);
  if (find(registration.name) == nullptr) {
    if (const HandlerRecord* former = find(registration.renamed_from)) {
      rename_.run(former->name, registration.name);
      if (former->first == asks_for_nothing) begin_.run(former->number, registration.begin);
    } else {
      insert_.run(registration.name, apps, events, registration.begin, registration.now, start_);
      return;
    }
  } else if (const HandlerRecord* known = find(registration.name);
             known->first == asks_for_nothing) {
    begin_.run(known->number, registration.begin);  // it was gone: it begins like a new one
  }
  update_.run(registration.name, apps, events, start_);
}

bool HandlerTable::retire(std::uint32_t number) {
  const std::string which = " WHERE handler = " + std::to_string(number);
  const bool waits = connection_.integer("SELECT EXISTS(SELECT 1 FROM retry" + which + ")") != 0 ||
                     connection_.integer("SELECT EXISTS(SELECT 1 FROM parked" + which + ")") != 0;
  if (waits) return false;
  if (connection_.integer("SELECT count(*) FROM dead" + which) != 0) {
    gone_.run(number, asks_for_nothing);
    return true;
  }
  forget(number, std::numeric_limits<std::uint32_t>::max());  // its number may come again
  return true;
}

bool HandlerTable::forget(std::uint32_t number, std::size_t rows) {
  // What is settled last: a handler that was forgotten in part gets nothing twice.
  constexpr std::array tables{std::pair{"retry", "handler, id"},
                              std::pair{"parked", "handler, lane, id"},
                              std::pair{"dead", "handler, id"}, std::pair{"replay", "handler, id"},
                              std::pair{"settled", "handler, id"}};
  for (const auto& [table, key] : tables) {
    std::ostringstream some;
    some << "DELETE FROM " << table << " WHERE (" << key << ") IN (SELECT " << key << " FROM "
         << table << " WHERE handler = " << number << " LIMIT " << rows << ")";
    connection_.execute(some.str());
    if (connection_.integer("SELECT changes()") == static_cast<std::int64_t>(rows)) return false;
  }
  connection_.execute("DELETE FROM handler WHERE number = " + std::to_string(number));
  return true;
}

void HandlerTable::settle(std::uint32_t number, RowId through) {
  settle_.run(number, through);
}

void HandlerTable::settled(std::uint32_t number, RowId through) {
  for (HandlerRecord& record : records_) {
    if (record.number == number) record.cursor = std::max(record.cursor, through);
  }
}

}  // namespace wxpush::queue
