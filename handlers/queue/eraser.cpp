#include "handlers/queue/eraser.h"

namespace wxpush::queue {

Erased Eraser::erase(const std::vector<RowId>& ids, bool undelivered) {
  Erased erased;
  for (const RowId id : ids) {
    const auto head = events_.head(id);
    if (!head) {
      ++erased.not_stored;
    } else if (!undelivered && pruner_.held(*head)) {
      ++erased.undelivered;
    } else {
      erase(*head);
      ++erased.done;
    }
  }
  if (erased.done > 0) {
    const std::int64_t rows = meta_.get(meta_key::events, 0);
    meta_.set(meta_key::events, rows - static_cast<std::int64_t>(erased.done));
  }
  return erased;
}

// Its id stays until retention is over, so that a push of it that comes again is known.
void Eraser::erase(const EventTable::Head& head) {
  events_.erase(head.id);
  for (const HandlerRecord& handler : handlers_.all())
    lanes_.erased_early(handler.number, head.id, head.lane);
  events_.leave_id(head.id, head.event_id, head.received_at);
}

}  // namespace wxpush::queue
