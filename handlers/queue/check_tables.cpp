#include "handlers/queue/check_tables.h"

#include "handlers/queue/schema.h"
#include "handlers/queue/table_walk.h"

#include <algorithm>
#include <set>

namespace wxpush::queue {
namespace {

constexpr std::size_t most_findings = 10'000;

std::string unreadable(const std::string& table, const SqliteError& error) {
  return "rows of the table " + table + ": " + error.what();
}

// What can be read is all that is asked of these.
void read_through(Connection& connection, const std::string& table,
                  const std::vector<std::string>& key, const std::string& columns,
                  FindingList& found) {
  try {
    TableWalk(connection, table, key, columns).all([](const Rows&) { return true; });
  } catch (const SqliteError& error) {
    found.add({"unreadable", unreadable(table, error)});
  }
}

// Rows by names: few, and read at once.
void read_named(Connection& connection, const std::string& table, FindingList& found) {
  try {
    Statement all(connection, "SELECT * FROM " + table);
    for (Rows rows = all.query(); rows.next();) {
    }
  } catch (const SqliteError& error) {
    found.add({"unreadable", unreadable(table, error)});
  }
}

struct ListedTable {
  const char* name;
  std::vector<std::string> key;
  const char* columns;
  int id, lane;       // their columns; lane -1: none
  int given_up = -1;  // not null: an operator let it go, and its event with it
};

class LaneCheck {
 public:
  LaneCheck(Connection& connection, FindingList& found)
      : connection_(connection),
        found_(found),
        event_(connection, "SELECT event_id, order_key FROM event WHERE id = ?1") {
    Statement all(connection, "SELECT number FROM handler");
    for (Rows rows = all.query(); rows.next();) handlers_.insert(rows.integer(0));
  }

  void run(const ListedTable& table) {
    try {
      TableWalk(connection_, table.name, table.key, table.columns).all([&](const Rows& row) {
        look(table, row);
        return true;
      });
    } catch (const SqliteError& error) {
      found_.add({"unreadable", unreadable(table.name, error)});
    }
  }

 private:
  void look(const ListedTable& table, const Rows& row) {
    const RowId id = row.number(table.id);
    const std::string where =
        std::string(table.name) + " of handler number " + std::to_string(row.integer(0)) + ": ";
    if (!handlers_.contains(row.integer(0))) {
      found_.add({"lane", where + "there is no such handler", id});
    }
    if (table.given_up >= 0 && !row.is_null(table.given_up)) return;
    Rows event = event_.query(id);
    if (!event.next()) {
      found_.add({"lane", where + "the event that is listed is not stored", id});
    } else if (table.lane >= 0 &&
               lane_of(event.event_id(0), event.bytes(1)) != row.integer(table.lane)) {
      found_.add({"lane", where + "the event is listed in another order's lane", id});
    }
  }

  Connection& connection_;
  FindingList& found_;
  Statement event_;
  std::set<std::int64_t> handlers_;
};

}  // namespace

void FindingList::add(Finding finding) {
  ++report_.count;
  if (report_.findings.size() < most_findings) report_.findings.push_back(std::move(finding));
}

std::uint64_t FindingList::count(std::string_view kind) const {
  return static_cast<std::uint64_t>(
      std::count_if(report_.findings.begin(), report_.findings.end(),
                    [&](const Finding& finding) { return finding.kind == kind; }));
}

FiledTables::FiledTables(Connection& connection, Meta& meta)
    : connection_(connection), through_(static_cast<RowId>(meta.get(meta_key::filed_through, 0))) {
  Statement all(connection,
                "SELECT number, first_id, last_id, ids FROM generation WHERE state = 0");
  for (Rows rows = all.query(); rows.next();) {
    const auto number = static_cast<std::uint32_t>(rows.number(0));
    const auto find = [&](const std::string& table) {
      return Statement(connection, "SELECT 1 FROM " + table + " WHERE hash = ?1 AND id = ?2");
    };
    generations_.push_back({.number = number,
                            .first = rows.number(1),
                            .last = rows.number(2),
                            .ids = rows.integer(3),
                            .known = find(known_table(number)),
                            .order = find(orders_table(number))});
  }
}

// What cannot be read counts as filed: it is told once for its generation.
bool FiledTables::has(Generation& generation, Statement& table, ShortHash hash, RowId id,
                      FindingList& found) {
  if (!generation.readable) return true;
  try {
    return table.query(hash, id).next();
  } catch (const SqliteError& error) {
    generation.readable = false;
    found.add({"unreadable", unreadable(known_table(generation.number), error)});
    return true;
  }
}

void FiledTables::look(RowId id, ShortHash hash, ShortHash order, FindingList& found) {
  if (id > through_) return;
  bool known = false;
  bool in_order = order == 0;
  for (Generation& generation : generations_) {
    if (id < generation.first || id > generation.last) continue;
    known = known || has(generation, generation.known, hash, id, found);
    in_order = in_order || has(generation, generation.order, order, id, found);
  }
  if (!known) found.add({"index", "the event's id is not filed: its repeat would be new", id});
  if (!in_order) found.add({"index", "the event is not filed under its order", id});
}

void FiledTables::look_at_counts(FindingList& found) {
  for (const Generation& generation : generations_) {
    const std::string table = known_table(generation.number);
    std::int64_t rows = 0;
    try {
      TableWalk(connection_, table, {"hash", "id"}, "").all([&](const Rows&) {
        ++rows;
        return true;
      });
    } catch (const SqliteError& error) {
      found.add({"unreadable", unreadable(table, error)});
      continue;
    }
    if (rows < generation.ids) {
      found.add({"counter", table + " has " + std::to_string(rows) + " of " +
                                std::to_string(generation.ids) + " ids"});
    }
  }
}

void check_tables(Connection& connection, const Progress& progress, FindingList& found) {
  progress("other tables", 0, 0);
  for (const char* table : {"meta", "fact", "handler", "generation"})
    read_named(connection, table, found);
  read_through(connection, "erased", {"id"}, "event_id, received_at", found);
  read_through(connection, "repeat", {"sequence"}, "id, event_id, seen, at", found);
  read_through(connection, "quarantine", {"id"},
               "ring, app, received_at, timestamp, nonce, msg_signature, encrypt", found);
  read_through(connection, "settled", {"handler", "id"}, "", found);
  read_through(connection, "replay", {"handler", "id"}, "count", found);
  LaneCheck lanes(connection, found);
  lanes.run({.name = "retry",
             .key = {"handler", "id"},
             .columns = "due, attempts, error, lane, counted, tried_for",
             .id = 1,
             .lane = 5});
  lanes.run(
      {.name = "parked", .key = {"handler", "lane", "id"}, .columns = "", .id = 2, .lane = 1});
  lanes.run({.name = "dead",
             .key = {"handler", "id"},
             .columns = "attempts, error, died_at, discarded_at",
             .id = 1,
             .lane = -1,
             .given_up = 5});
}

void check_structure(Connection& connection, FindingList& found) {
  Statement check(connection, "PRAGMA integrity_check(100)");
  for (Rows rows = check.query(); rows.next();) {
    const std::string line(rows.bytes(0));
    if (line != "ok") found.add({"structure", line});
  }
}

}  // namespace wxpush::queue
