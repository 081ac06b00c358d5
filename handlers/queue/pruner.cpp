#include "handlers/queue/pruner.h"

#include "handlers/queue/store_files.h"

#include <algorithm>
#include <limits>

namespace wxpush::queue {
namespace {

constexpr std::size_t slice_rows = 500;
// An event from further in the future was stored while the wall clock was wrong: its age is
// unknown.
constexpr std::int64_t future_milliseconds = 3'600'000;

}  // namespace

void Pruner::begin(WallTime now, bool early) {
  phase_ = Phase::events;
  early_ = early;
  last_slice_ = false;
  after_ = 0;
  slice_.clear();
  now_ = stored(now);
  retained_since_ = now_ - limits_.retention.count();
  erased_before_ =
      early ? now_ - std::min(limits_.min_retention, limits_.retention).count() : retained_since_;
}

// Above a handler's cursor all that it asks for is held; and what is listed, whatever it asks for
// today.
bool Pruner::held(const EventTable::Head& head) {
  const auto& all = handlers_.all();
  return std::any_of(all.begin(), all.end(), [&](const HandlerRecord& handler) {
    const bool to_come =
        head.id > handler.cursor && asks_for(handler, head.id, head.app, head.type);
    return to_come || lanes_.holds(handler.number, head.id, head.lane);
  });
}

void Pruner::look() {
  if (phase_ == Phase::idle || ready()) return;
  if (last_slice_) {
    phase_over();
  } else if (phase_ == Phase::events) {
    look_at_events();
  } else {
    look_at_left_ids();
  }
}

void Pruner::look_at_events() {
  // Beyond what a handler that asks for everything has settled, nothing may go.
  RowId ceiling = std::numeric_limits<RowId>::max();
  for (const HandlerRecord& handler : handlers_.all()) {
    if (handler.apps.empty() && handler.events.empty() && handler.first != asks_for_nothing)
      ceiling = std::min(ceiling, handler.cursor + 1);
  }
  const std::vector<EventTable::Head> heads = events_.heads(after_, slice_rows);
  std::size_t too_young = 0;
  for (const EventTable::Head& head : heads) {
    after_ = head.id;
    if (head.received_at >= erased_before_) {
      if (head.received_at <= now_ + future_milliseconds) ++too_young;
      continue;
    }
    if (!held(head)) slice_.push_back(head);
  }
  // Ids and times rise together, more or less: a whole slice of young ones is the end.
  last_slice_ = heads.size() < slice_rows || too_young == heads.size() || after_ >= ceiling;
}

void Pruner::look_at_left_ids() {
  const std::vector<EventTable::Head> heads = events_.left_ids(after_, slice_rows);
  for (const EventTable::Head& head : heads) {
    after_ = head.id;
    if (head.received_at < retained_since_) slice_.push_back(head);
  }
  last_slice_ = heads.size() < slice_rows;
}

void Pruner::phase_over() {
  phase_ = phase_ == Phase::events ? Phase::left_ids : Phase::idle;
  last_slice_ = false;
  after_ = 0;
}

void Pruner::erase() {
  for (const EventTable::Head& head : slice_) {
    if (phase_ == Phase::left_ids) {
      events_.forget_id(head.id);
      continue;
    }
    events_.erase(head.id);
    for (const HandlerRecord& handler : handlers_.all()) lanes_.erased(handler.number, head.id);
    if (head.received_at >= retained_since_) {
      events_.leave_id(head.id, head.event_id, head.received_at);
    }
  }
  if (phase_ == Phase::events) {
    const std::int64_t rows = meta_.get(meta_key::events, 0);
    meta_.set(meta_key::events, rows - static_cast<std::int64_t>(slice_.size()));
  }
}

void Pruner::committed() {
  for (const EventTable::Head& head : slice_) {
    const bool id_stays = phase_ == Phase::events && head.received_at >= retained_since_;
    if (!id_stays) known_.forget(head.event_id, head.id);
  }
  slice_.clear();
}

}  // namespace wxpush::queue
