// Reader: where a handler stands.

#include "handlers/queue/store_files.h"
#include "handlers/queue/store_reader.h"

#include <algorithm>

namespace wxpush::queue {
namespace {

constexpr std::size_t rows_looked_at = 10'000;

// One lane after the other, each by a seek, however many are parked in it.
std::vector<ShortHash> parked_lanes(Connection& connection, std::uint32_t handler) {
  std::vector<ShortHash> lanes;
  Statement first(connection, "SELECT lane FROM parked WHERE handler = ?1 ORDER BY lane LIMIT 1");
  Statement next(connection,
                 "SELECT lane FROM parked WHERE handler = ?1 AND lane > ?2 ORDER BY lane LIMIT 1");
  if (Rows rows = first.query(handler); rows.next()) lanes.push_back(rows.integer(0));
  while (!lanes.empty()) {
    Rows rows = next.query(handler, lanes.back());
    if (!rows.next()) break;
    lanes.push_back(rows.integer(0));
  }
  return lanes;
}

}  // namespace

LaneState StoreReader::lane_state(std::uint32_t handler, bool hold_on_dead) {
  const Snapshot snapshot(*connection_);
  LaneState state;
  {
    Statement cursor(*connection_, "SELECT cursor FROM handler WHERE number = ?1");
    if (Rows rows = cursor.query(handler); rows.next()) state.cursor = rows.number(0);
  }
  for (const char* table : {"settled", "retry", "parked", "dead"}) {
    Statement above(*connection_,
                    std::string("SELECT id FROM ") + table + " WHERE handler = ?1 AND id > ?2");
    for (Rows rows = above.query(handler, state.cursor); rows.next();)
      state.passed.push_back(rows.number(0));
  }
  std::sort(state.passed.begin(), state.passed.end());
  Statement retries(*connection_,
                    "SELECT id, lane, attempts, counted, tried_for, due FROM retry "
                    "WHERE handler = ?1 ORDER BY id");
  for (Rows rows = retries.query(handler); rows.next();) {
    state.retries.push_back({.id = rows.number(0),
                             .lane = rows.integer(1),
                             .attempts = static_cast<std::uint32_t>(rows.number(2)),
                             .counted = static_cast<std::uint32_t>(rows.number(3)),
                             .tried_for = std::chrono::milliseconds(rows.integer(4)),
                             .due = wall_time(rows.integer(5))});
  }
  state.parked_lanes = parked_lanes(*connection_, handler);
  {
    Statement count(*connection_, "SELECT count(*) FROM parked WHERE handler = ?1");
    if (Rows rows = count.query(handler); rows.next()) state.parked = rows.number(0);
  }
  if (!hold_on_dead) return state;
  Statement dead(*connection_,
                 "SELECT e.event_id, e.order_key, d.id FROM dead d JOIN event e ON e.id = d.id "
                 "WHERE d.handler = ?1 AND d.discarded_at IS NULL");
  for (Rows rows = dead.query(handler); rows.next();)
    state.held_lanes.emplace_back(lane_of(rows.event_id(0), rows.bytes(1)), rows.number(2));
  return state;
}

std::vector<RowId> StoreReader::parked(std::uint32_t handler, ShortHash lane, RowId after,
                                       std::size_t limit) {
  std::vector<RowId> ids;
  Statement page(*connection_,
                 "SELECT id FROM parked WHERE handler = ?1 AND lane = ?2 AND id > ?3 "
                 "ORDER BY id LIMIT ?4");
  for (Rows rows = page.query(handler, lane, after, limit); rows.next();) {
    after = rows.number_above(0, after);
    ids.push_back(after);
  }
  return ids;
}

std::vector<DeadLetter> StoreReader::dead_letters(std::uint32_t handler, RowId after) {
  std::vector<DeadLetter> found;
  Statement page(*connection_,
                 "SELECT d.id, e.event_id, e.order_key, d.attempts, d.error, d.died_at "
                 "FROM dead d JOIN event e ON e.id = d.id "
                 "WHERE d.handler = ?1 AND d.id > ?2 AND d.discarded_at IS NULL "
                 "ORDER BY d.id LIMIT ?3");
  for (Rows rows = page.query(handler, after, page_rows); rows.next();) {
    after = rows.number_above(0, after);
    found.push_back({.id = after,
                     .lane = lane_of(rows.event_id(1), rows.bytes(2)),
                     .attempts = static_cast<std::uint32_t>(rows.number(3)),
                     .error = std::string(rows.bytes(4)),
                     .died_at = wall_time(rows.integer(5))});
  }
  return found;
}

bool StoreReader::any_replays(std::uint32_t handler) {
  Statement any(*connection_, "SELECT 1 FROM replay WHERE handler = ?1 LIMIT 1");
  return any.query(handler).next();
}

std::uint32_t StoreReader::replays(std::uint32_t handler, RowId id) {
  Statement count(*connection_, "SELECT count FROM replay WHERE handler = ?1 AND id = ?2");
  Rows rows = count.query(handler, id);
  return rows.next() ? static_cast<std::uint32_t>(rows.number(0)) : 0;
}

// Times need not rise with ids: what comes out of the quarantine is old under a new one.
RowId StoreReader::last_before(WallTime time, RowId after) {
  Statement rows_from(*connection_,
                      "SELECT id, received_at FROM event WHERE id > ?1 ORDER BY id LIMIT ?2");
  for (Rows rows = rows_from.query(after, rows_looked_at); rows.next();) {
    if (wall_time(rows.integer(1)) >= time) break;
    after = rows.number_above(0, after);
  }
  return after;
}

RowId StoreReader::oldest_listed(std::uint32_t handler) {
  RowId oldest = 0;
  for (const char* table : {"parked", "retry"}) {
    Statement lowest(*connection_,
                     std::string("SELECT min(id) FROM ") + table + " WHERE handler = ?1");
    Rows rows = lowest.query(handler);
    if (!rows.next() || rows.is_null(0)) continue;
    oldest = oldest == 0 ? rows.number(0) : std::min(oldest, rows.number(0));
  }
  return oldest;
}

std::uint64_t StoreReader::dead_count(std::uint32_t handler) {
  Statement count(*connection_,
                  "SELECT count(*) FROM dead WHERE handler = ?1 AND discarded_at IS NULL");
  Rows rows = count.query(handler);
  return rows.next() ? rows.number(0) : 0;
}

}  // namespace wxpush::queue
