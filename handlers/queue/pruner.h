#pragma once
// Erases what nobody needs any more, in id order and in slices of at most 500 rows that ride in
// other transactions. An event may go when it is settled for every handler that asked for it
// (orphaned handlers included) and its retention is over; early, under pressure, when only
// min_retention is over: then its id stays behind in `erased`, so that a repeat is still known.
// Owned by the writer thread.

#include "handlers/queue/event_table.h"
#include "handlers/queue/handler_table.h"
#include "handlers/queue/known_ids.h"
#include "handlers/queue/lane_table.h"
#include "handlers/queue/meta.h"

#include <chrono>
#include <cstdint>
#include <vector>

namespace wxpush::queue {

class Pruner {
 public:
  struct Limits {
    std::chrono::milliseconds retention{}, min_retention{};
  };
  Pruner(Meta& meta, EventTable& events, HandlerTable& handlers, LaneTable& lanes, KnownIds& known,
         const Limits& limits)
      : meta_(meta),
        events_(events),
        handlers_(handlers),
        lanes_(lanes),
        known_(known),
        limits_(limits) {}

  // A pass over the events, then over the ids left behind. `now` is the retention clock's.
  void begin(WallTime now, bool early);
  void stop() noexcept {
    phase_ = Phase::idle;
    slice_.clear();
  }
  bool active() const noexcept { return phase_ != Phase::idle; }
  bool early() const noexcept { return early_; }

  void look();  // reads on, one slice; afterwards ready() says whether there is something to erase
  bool ready() const noexcept { return !slice_.empty(); }
  void erase();  // in a transaction; committed() or rolled_back() is to follow
  void committed();
  void rolled_back() { stop(); }

  // Whether a handler waits for it, or has it as a dead letter.
  bool held(const EventTable::Head& head);

 private:
  enum class Phase { idle, events, left_ids };
  void look_at_events();
  void look_at_left_ids();
  void phase_over();

  Meta& meta_;
  EventTable& events_;
  HandlerTable& handlers_;
  LaneTable& lanes_;
  KnownIds& known_;
  Limits limits_;
  Phase phase_ = Phase::idle;
  bool early_ = false;
  bool last_slice_ = false;  // of this phase
  std::int64_t now_ = 0;
  std::int64_t retained_since_ = 0;  // received before: its retention is over
  std::int64_t erased_before_ = 0;   // received before: may go in this pass
  RowId after_ = 0;                  // looked at up to here
  std::vector<EventTable::Head> slice_;
};

}  // namespace wxpush::queue
