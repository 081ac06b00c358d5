#pragma once
// The tables event (what was stored) and erased (the ids of events that were erased before their
// retention was over).

#include "handlers/queue/body_cipher.h"
#include "handlers/queue/event_record.h"
#include "handlers/queue/hashes.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::queue {

class EventTable {
 public:
  EventTable(Connection& connection, const BodyCipher& bodies);  // `bodies` outlives it

  // These five belong into a transaction.
  void insert(RowId id, const NewEvent& event);
  void insert_as_it_is(RowId id, const NewEvent& event, const StoredBody& body);
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
  std::optional<Head> head(RowId id);
  std::vector<Head> left_ids(RowId after, std::size_t limit);  // app, type and lane stay empty

  // Whose body is not sealed with this key, above `after`: at most so many of them and so many
  // bytes. `looked_through`: how far.
  struct Body {
    RowId id = 0;
    std::string appid;
    event::EventId event_id;
    std::string body;  // opened
  };
  struct Bodies {
    std::vector<Body> found;
    std::vector<std::pair<RowId, std::string>> damaged;  // and why
    RowId looked_through = 0;
    bool end = false;
  };
  Bodies sealed_otherwise(RowId after, std::size_t rows, std::size_t bytes);
  void seal_anew(const Body& body);  // in a transaction; without effect if it is gone

 private:
  const BodyCipher& bodies_;
  std::string sealed_;  // memory for one body
  Statement insert_, erase_, leave_, forget_;
  Statement event_id_, left_id_, any_event_, any_left_, heads_, left_ids_, bodies_after_, set_body_;
};

}  // namespace wxpush::queue
