#pragma once
// Erases single events because somebody asks for it (a person's data), before their retention is
// over. Owned by the writer thread.

#include "handlers/queue/event_table.h"
#include "handlers/queue/handler_table.h"
#include "handlers/queue/lane_table.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/pruner.h"
#include "handlers/queue/queue.h"

#include <vector>

namespace wxpush::queue {

class Eraser {
 public:
  Eraser(Meta& meta, EventTable& events, HandlerTable& handlers, LaneTable& lanes, Pruner& pruner)
      : meta_(meta), events_(events), handlers_(handlers), lanes_(lanes), pruner_(pruner) {}

  // In a transaction.
  Erased erase(const std::vector<RowId>& ids, bool undelivered);

 private:
  void erase(const EventTable::Head& head);

  Meta& meta_;
  EventTable& events_;
  HandlerTable& handlers_;
  LaneTable& lanes_;
  Pruner& pruner_;
};

}  // namespace wxpush::queue
