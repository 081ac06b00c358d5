#pragma once
// The tables of the lanes: settled, retry, parked, dead. An event that a handler asked for is
// settled if it lies at or below the handler's cursor and has no row, or above it with a row in
// `settled`. What is listed is stored. Owned by the writer thread.

#include "handlers/queue/lane_marks.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <span>

namespace wxpush::queue {

class LaneTable {
 public:
  explicit LaneTable(Connection& connection);

  // In a transaction. `cursor` is where the handler stands after these marks, `now` in ms. An event
  // that was erased meanwhile is settled, whatever the handler's feed still says of it.
  void apply(std::uint32_t handler, std::span<const LaneMarks> marks, RowId cursor,
             std::int64_t now);
  // The event is erased: what is left of it as a dead letter goes, too, and how often it was
  // replayed. In a transaction.
  void erased(std::uint32_t handler, RowId id) {
    unbury_.run(handler, id);
    unreplay_.run(handler, id);
  }
  // Likewise, of one that the handler may still wait for.
  void erased_early(std::uint32_t handler, RowId id, ShortHash lane) {
    erased(handler, id);
    unretry_.run(handler, id);
    unpark_.run(handler, lane, id);
  }
  // Whether an event at or below the cursor is listed: it waits for the handler, or is a dead
  // letter of it that was not discarded.
  bool holds(std::uint32_t handler, RowId id, ShortHash lane);

 private:
  void list(std::uint32_t handler, const LaneChange& change, RowId cursor, std::int64_t now);
  void forget(std::uint32_t handler, const LaneChange& change);

  Statement settle_, trim_, retry_, park_, bury_, discard_, unretry_, unpark_, unbury_, unsettle_;
  Statement replay_, unreplay_;
  Statement is_retry_, is_parked_, is_dead_, is_stored_;
};

}  // namespace wxpush::queue
