#include "handlers/dispatch/requests.h"

#include <algorithm>

namespace wxpush::dispatch {

using queue::DeliveryState;

std::string_view to_string(Ask ask) {
  switch (ask) {
    case Ask::requeue:
      return "requeue";
    case Ask::discard:
      return "discard";
    case Ask::replay:
      return "replay";
  }
  return "?";
}

std::optional<queue::ShortHash> grantable(queue::Reader& reader, const std::string& handler,
                                          queue::RowId id, Ask ask) {
  const auto event = reader.find(id);
  if (!event) return std::nullopt;
  const auto deliveries = reader.deliveries(*event);
  const auto its = std::ranges::find(deliveries, handler, &queue::Delivery::handler);
  if (its == deliveries.end()) return std::nullopt;
  const bool can_be = its->state == DeliveryState::dead ||
                      (ask == Ask::replay && its->state == DeliveryState::delivered);
  if (!can_be) return std::nullopt;
  return queue::lane_of(event->event_id, event->order_key);
}

Granted grant_without_feed(queue::Queue& queue, queue::Reader& reader,
                           const queue::HandlerRecord& handler, Ask ask,
                           const std::vector<queue::RowId>& ids) {
  Granted granted;
  queue::LaneMarks marks;
  marks.cursor = handler.cursor;
  for (const queue::RowId id : ids) {
    const bool nobody = ask != Ask::discard && handler.orphaned;
    const auto lane = nobody ? std::nullopt : grantable(reader, handler.name, id, ask);
    if (!lane) {
      ++granted.passed_over;
      continue;
    }
    queue::LaneChange change;
    change.id = id;
    change.lane = *lane;
    change.place = ask == Ask::discard ? queue::EventPlace::discarded : queue::EventPlace::parked;
    change.listed_before = true;
    change.replay = ask == Ask::replay;
    marks.changes.push_back(std::move(change));
    ++granted.done;
  }
  if (granted.done == 0) return granted;
  queue.mark(handler.number, std::move(marks));
  queue.flush_marks();
  return granted;
}

}  // namespace wxpush::dispatch
