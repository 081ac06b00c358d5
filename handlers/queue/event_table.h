#pragma once
// The tables event (what was stored) and erased (the ids of events that were erased before their
// retention was over).

#include "handlers/queue/event_record.h"
#include "handlers/queue/hashes.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <optional>

namespace wxpush::queue {

class EventTable {
 public:
  explicit EventTable(Connection& connection);

  // These four belong into a transaction.
  void insert(RowId id, const NewEvent& event);
  void erase(RowId id);
  void leave_id(RowId id, const event::EventId& event_id, std::int64_t received_at);
  void forget_id(RowId id);

  // The id under which the event was stored, if it is, or was erased early.
  std::optional<event::EventId> id_of(RowId id);
  bool any_between(RowId first, RowId last);  // a row or an id that was left

  // What stands before the body, in id order, for pruning.
  struct Head {
    RowId id = 0;
    event::EventId event_id;
    std::string app, type;
    std::int64_t received_at = 0;
    ShortHash lane = 0;
  };
  std::vector<Head> heads(RowId after, std::size_t limit);
  std::vector<Head> left_ids(RowId after, std::size_t limit);  // app, type and lane stay empty

 private:
  Statement insert_, erase_, leave_, forget_;
  Statement event_id_, left_id_, any_event_, any_left_, heads_, left_ids_;
};

}  // namespace wxpush::queue
