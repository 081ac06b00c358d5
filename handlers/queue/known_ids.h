#pragma once
// Which events are known already, and since when (their RowId): the recent ids in memory first,
// then the filed ones. What it answers is confirmed against a whole event id, never a hash alone.
// Owned by the writer thread.

#include "handlers/queue/event_table.h"
#include "handlers/queue/generations.h"
#include "handlers/queue/recent_ids.h"

#include <optional>

namespace wxpush::queue {

using ShortHashOf = ShortHash (*)(const event::EventId&);

class KnownIds {
 public:
  // Rebuilds the recent ids from the rows above `filed_through`.
  // `hash_of` is short_hash, except where a test wants collisions.
  KnownIds(Connection& connection, EventTable& events, Generations& generations,
           std::size_t recent_ids, RowId filed_through, ShortHashOf hash_of);

  // Throws SqliteError.
  std::optional<RowId> find(const event::EventId& event_id);

  void add(const RecentId& recent) { recent_.add(recent); }  // after its commit
  void forget(const event::EventId& event_id, RowId id) { recent_.forget(event_id, id); }
  RecentIds& recent() noexcept { return recent_; }
  ShortHash hash(const event::EventId& event_id) const { return hash_of_(event_id); }

 private:
  EventTable& events_;
  Generations& generations_;
  RecentIds recent_;
  ShortHashOf hash_of_;
};

}  // namespace wxpush::queue
