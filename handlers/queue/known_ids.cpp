#include "handlers/queue/known_ids.h"

#include <algorithm>

namespace wxpush::queue {

KnownIds::KnownIds(Connection& connection, EventTable& events, Generations& generations,
                   std::size_t recent_ids, RowId filed_through, ShortHashOf hash_of)
    : events_(events),
      generations_(generations),
      recent_(recent_ids + recent_ids / 2),
      hash_of_(hash_of) {
  std::vector<RecentId> found;
  Statement rows_above(connection,
                       "SELECT id, event_id, order_hash, received_at FROM event WHERE id > ?1 "
                       "UNION ALL SELECT id, event_id, 0, received_at FROM erased WHERE id > ?1");
  for (Rows rows = rows_above.query(filed_through); rows.next();) {
    found.push_back({.id = rows.number(0),
                     .event_id = rows.event_id(1),
                     .order = rows.integer(2),
                     .received_at = rows.integer(3)});
  }
  std::sort(found.begin(), found.end(),
            [](const RecentId& a, const RecentId& b) { return a.id < b.id; });
  for (const RecentId& recent : found) recent_.add(recent);
}

std::optional<RowId> KnownIds::find(const event::EventId& event_id) {
  if (const std::optional<RowId> recent = recent_.find(event_id)) return recent;
  for (const RowId candidate : generations_.find(hash_of_(event_id))) {
    if (events_.id_of(candidate) == event_id) return candidate;
  }
  return std::nullopt;
}

}  // namespace wxpush::queue
