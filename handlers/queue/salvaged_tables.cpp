#include "handlers/queue/salvaged_tables.h"

#include "handlers/queue/handler_table.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/schema.h"

#include <algorithm>
#include <array>

namespace wxpush::queue {
namespace {

constexpr std::size_t ids_of_a_generation = std::size_t{1} << 22;
constexpr std::size_t rows_of_a_commit = 100'000;

// One of `tables` filled in the order of its key.
void fill(Connection& connection, const std::string& table,
          std::vector<std::pair<ShortHash, RowId>>& rows) {
  std::sort(rows.begin(), rows.end());
  Statement insert(connection, "INSERT INTO " + table + " VALUES(?1, ?2)");
  for (std::size_t at = 0; at < rows.size(); at += rows_of_a_commit) {
    connection.execute("BEGIN IMMEDIATE");
    const std::size_t end = std::min(rows.size(), at + rows_of_a_commit);
    for (std::size_t i = at; i < end; ++i) insert.run(rows[i].first, rows[i].second);
    connection.execute("COMMIT");
  }
}

}  // namespace

void SalvagedTables::attach(const std::filesystem::path& damaged) {
  try {
    Statement(connection_, "ATTACH ?1 AS old").run(std::string_view(damaged.native()));
    attached_ = true;
    // Names and forms as they are in every store, or nothing that it says is believed.
    attached_ = connection_.integer(
                    "SELECT count(*) FROM main.sqlite_schema m WHERE m.name NOT LIKE 'sqlite_%' "
                    "AND m.name NOT IN ('replay', 'body_key') AND NOT EXISTS(SELECT 1 FROM "
                    "old.sqlite_schema o WHERE "
                    "o.type = m.type AND "
                    "o.name = m.name AND o.sql = m.sql)") == 0;
  } catch (const SqliteError&) {
    attached_ = false;
  }
}

void SalvagedTables::detach() {
  try {
    connection_.execute("DETACH old");
  } catch (const SqliteError&) {  // it never was attached
  }
}

bool SalvagedTables::copy_table(const std::string& table, const std::string& which) {
  if (!attached_) return false;
  try {
    connection_.execute("BEGIN IMMEDIATE; INSERT INTO main." + table + " SELECT * FROM old." +
                        table + " WHERE " + which + "; COMMIT");
    return true;
  } catch (const SqliteError&) {
    connection_.roll_back();
    return false;
  }
}

void SalvagedTables::copy(const std::map<std::uint32_t, std::string>& marks) {
  copy_meta();
  copy_body_keys(marks);
  if (!copy_table("erased", "id NOT IN (SELECT id FROM main.event)"))
    report_.lost.emplace_back("ids of events that were erased early: repeats of them are new");
  if (!copy_table("fact")) report_.lost.emplace_back("when keys were last used");
  if (!copy_table("quarantine")) report_.lost.emplace_back("the quarantine");
  if (!copy_table("repeat")) report_.lost.emplace_back("which pushes came again");
  copy_lanes();
}

void SalvagedTables::copy_meta() {
  const bool read = attached_ && [&] {
    try {
      report_.counted = static_cast<std::uint64_t>(
          connection_.integer("SELECT value FROM old.meta WHERE key = 'events'"));
      connection_.execute(
          "BEGIN IMMEDIATE; INSERT OR REPLACE INTO main.meta SELECT key, value FROM old.meta WHERE "
          "key IN ('next_id', 'next_quarantine_id', 'retention_clock', 'starts'); COMMIT");
      return true;
    } catch (const SqliteError&) {
      connection_.roll_back();
      return false;
    }
  }();
  if (!read) report_.lost.emplace_back("the store's counters: they were counted anew");
}

void SalvagedTables::copy_body_keys(const std::map<std::uint32_t, std::string>& marks) {
  if (copy_table("body_key")) return;
  Statement insert(connection_, "INSERT INTO body_key(number, mark, created_at) VALUES(?1, ?2, 0)");
  for (const auto& [number, mark] : marks) insert.run(number, std::string_view(mark));
  Statement unknown(connection_,
                    "SELECT count(*) FROM event WHERE codec <> 0 AND key_number NOT IN "
                    "(SELECT number FROM body_key)");
  Rows rows = unknown.query();
  if (rows.next() && rows.integer(0) > 0) {
    report_.lost.push_back("which keys " + std::to_string(rows.integer(0)) +
                           " bodies are sealed with: salvage again with settings that name the "
                           "keys");
  }
}

void SalvagedTables::copy_lanes() {
  if (!copy_table("handler")) {
    report_.lost.emplace_back(
        "how far handlers came: before the next start, set from = \"oldest\" for each, or they "
        "begin with new events");
    return;
  }
  bool all = true;
  for (const char* table : {"retry", "parked", "dead"}) all = copy_table(table) && all;
  const bool settled = copy_table("settled");
  copy_table("replay");
  if (!all) {
    connection_.execute("DELETE FROM retry; DELETE FROM parked; DELETE FROM settled");
    connection_.execute("UPDATE handler SET cursor = first WHERE first < " +
                        std::to_string(asks_for_nothing));
    report_.lost.emplace_back(
        "what waited for handlers, or was a dead letter: every stored event is delivered again");
  } else if (!settled) {
    report_.lost.emplace_back("what was delivered ahead of its turn: it is delivered again");
  }
  drop_listed_without_event();
}

void SalvagedTables::drop_listed_without_event() {
  for (const std::string table : {"retry", "parked", "dead", "replay"}) {
    connection_.execute("DELETE FROM " + table + " WHERE id NOT IN (SELECT id FROM main.event)");
    const std::int64_t rows = connection_.changes();
    if (rows > 0 && table != "replay") {
      report_.lost.push_back(std::to_string(rows) + " events that were listed in " + table);
    }
  }
}

void file_anew(Connection& connection, std::vector<FiledId>& ids) {
  std::sort(ids.begin(), ids.end(), [](const FiledId& a, const FiledId& b) { return a.id < b.id; });
  Statement insert(connection, "INSERT INTO generation VALUES(?1, 0, ?2, ?3, ?4, ?5, ?6)");
  std::uint32_t number = 0;
  for (std::size_t at = 0; at < ids.size(); at += ids_of_a_generation) {
    const std::size_t end = std::min(ids.size(), at + ids_of_a_generation);
    std::vector<std::pair<ShortHash, RowId>> known;
    std::vector<std::pair<ShortHash, RowId>> orders;
    std::int64_t oldest = ids[at].received_at;
    std::int64_t newest = oldest;
    for (std::size_t i = at; i < end; ++i) {
      known.emplace_back(ids[i].hash, ids[i].id);
      if (ids[i].order != 0) orders.emplace_back(ids[i].order, ids[i].id);
      oldest = std::min(oldest, ids[i].received_at);
      newest = std::max(newest, ids[i].received_at);
    }
    create_generation_tables(connection, ++number);
    fill(connection, known_table(number), known);
    fill(connection, orders_table(number), orders);
    insert.run(number, ids[at].id, ids[end - 1].id, oldest, newest, known.size());
  }
  if (!ids.empty())
    Meta(connection).set(meta_key::filed_through, static_cast<std::int64_t>(ids.back().id));
}

}  // namespace wxpush::queue
