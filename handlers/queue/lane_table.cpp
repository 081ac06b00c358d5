#include "handlers/queue/lane_table.h"

#include "handlers/queue/store_files.h"

namespace wxpush::queue {

LaneTable::LaneTable(Connection& connection)
    : settle_(connection, "INSERT OR IGNORE INTO settled(handler, id) VALUES(?1, ?2)"),
      trim_(connection, "DELETE FROM settled WHERE handler = ?1 AND id <= ?2"),
      retry_(connection,
             "INSERT OR REPLACE INTO retry(handler, id, due, attempts, error, lane, counted, "
             "tried_for) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
      park_(connection, "INSERT OR IGNORE INTO parked(handler, lane, id) VALUES(?1, ?2, ?3)"),
      bury_(connection,
            "INSERT OR REPLACE INTO dead(handler, id, attempts, error, died_at, discarded_at) "
            "VALUES(?1, ?2, ?3, ?4, ?5, NULL)"),
      discard_(connection, "UPDATE dead SET discarded_at = ?3 WHERE handler = ?1 AND id = ?2"),
      unretry_(connection, "DELETE FROM retry WHERE handler = ?1 AND id = ?2"),
      unpark_(connection, "DELETE FROM parked WHERE handler = ?1 AND lane = ?2 AND id = ?3"),
      unbury_(connection, "DELETE FROM dead WHERE handler = ?1 AND id = ?2"),
      unsettle_(connection, "DELETE FROM settled WHERE handler = ?1 AND id = ?2"),
      replay_(connection,
              "INSERT INTO replay(handler, id, count) VALUES(?1, ?2, 1) "
              "ON CONFLICT(handler, id) DO UPDATE SET count = count + 1"),
      unreplay_(connection, "DELETE FROM replay WHERE handler = ?1 AND id = ?2"),
      is_retry_(connection, "SELECT 1 FROM retry WHERE handler = ?1 AND id = ?2"),
      is_parked_(connection, "SELECT 1 FROM parked WHERE handler = ?1 AND lane = ?2 AND id = ?3"),
      is_dead_(connection,
               "SELECT 1 FROM dead WHERE handler = ?1 AND id = ?2 AND discarded_at IS NULL"),
      is_stored_(connection, "SELECT 1 FROM event WHERE id = ?1") {}

void LaneTable::apply(std::uint32_t handler, std::span<const LaneMarks> marks, RowId cursor,
                      std::int64_t now) {
  for (const LaneMarks& one : marks) {
    for (const LaneChange& change : one.changes) {
      if (change.place == EventPlace::discarded) {
        discard_.run(handler, change.id, now);
        continue;
      }
      if (change.listed_before) forget(handler, change);
      list(handler, change, cursor, now);
    }
  }
  trim_.run(handler, cursor);
}

void LaneTable::list(std::uint32_t handler, const LaneChange& change, RowId cursor,
                     std::int64_t now) {
  if (change.place == EventPlace::settled || !is_stored_.query(change.id).next()) {
    if (change.id > cursor) settle_.run(handler, change.id);
    return;
  }
  if (change.replay) replay_.run(handler, change.id);
  if (change.place == EventPlace::retry) {
    retry_.run(handler, change.id, stored(change.due), change.attempts, change.error, change.lane,
               change.counted, change.tried_for.count());
  } else if (change.place == EventPlace::parked) {
    park_.run(handler, change.lane, change.id);
  } else {
    bury_.run(handler, change.id, change.attempts, change.error, now);
  }
}

// It may stand in several: a requeued one that failed.
void LaneTable::forget(std::uint32_t handler, const LaneChange& change) {
  unretry_.run(handler, change.id);
  unpark_.run(handler, change.lane, change.id);
  unbury_.run(handler, change.id);
  if (change.replay) unsettle_.run(handler, change.id);
}

bool LaneTable::holds(std::uint32_t handler, RowId id, ShortHash lane) {
  return is_dead_.query(handler, id).next() || is_retry_.query(handler, id).next() ||
         is_parked_.query(handler, lane, id).next();
}

}  // namespace wxpush::queue
