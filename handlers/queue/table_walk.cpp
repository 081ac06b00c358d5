#include "handlers/queue/table_walk.h"

#include "handlers/queue/reader.h"
#include "handlers/queue/store_reader.h"

#include <sqlite3.h>

#include <limits>

namespace wxpush::queue {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string parameters(std::size_t count) {
  std::string list;
  for (std::size_t i = 1; i <= count; ++i) list += (i == 1 ? "?" : ", ?") + std::to_string(i);
  return list;
}

}  // namespace

TableWalk::TableWalk(Connection& connection, const std::string& table,
                     const std::vector<std::string>& key, const std::string& columns)
    : connection_(connection),
      statement_(connection, "SELECT " + listed(key) + (columns.empty() ? "" : ", " + columns) +
                                 " FROM " + table + " WHERE (" + listed(key) + ") > (" +
                                 parameters(key.size()) + ") ORDER BY " + listed(key) + " LIMIT " +
                                 std::to_string(page_rows)),
      reached_(key.size(), std::numeric_limits<std::int64_t>::min()) {}

Rows TableWalk::query() {
  switch (reached_.size()) {
    case 1:
      return statement_.query(reached_[0]);
    case 2:
      return statement_.query(reached_[0], reached_[1]);
    default:
      return statement_.query(reached_[0], reached_[1], reached_[2]);
  }
}

// In a damaged tree rows may come again and again.
void TableWalk::advance(const Rows& row) {
  bool further = false;
  for (std::size_t i = 0; i < reached_.size(); ++i) {
    const std::int64_t value = row.integer(static_cast<int>(i));
    if (!further && value < reached_[i]) break;
    further = further || value > reached_[i];
    reached_[i] = value;
  }
  if (!further) throw SqliteError(SQLITE_CORRUPT, out_of_order);
}

bool TableWalk::page(const Visit& visit) {
  const Snapshot snapshot(connection_);
  std::size_t count = 0;
  Rows rows = query();
  while (rows.next()) {
    advance(rows);
    if (!visit(rows)) return true;
    ++count;
  }
  return count == page_rows;
}

}  // namespace wxpush::queue
