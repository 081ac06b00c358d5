#include "tests/simulation/world.h"

namespace wxpush::simulation {

using queue::EventPlace;
using queue::RowId;

void Disk::apply(const queue::LaneMarks& marks) {
  cursor_ = std::max(cursor_, marks.cursor);
  for (const auto& change : marks.changes) {
    seen_.insert(change.id);
    if (change.listed_before) {
      retry_.erase(change.id);
      dead_.erase(change.id);
      parked_[change.lane].erase(change.id);
    }
    if (change.replay) settled_.erase(change.id);
    switch (change.place) {
      case EventPlace::settled:
        settled_.insert(change.id);
        break;
      case EventPlace::retry:
        retry_[change.id] = change;
        break;
      case EventPlace::parked:
        parked_[change.lane].insert(change.id);
        break;
      case EventPlace::dead:
        dead_[change.id] = change;
        break;
      case EventPlace::discarded:
        dead_.erase(change.id);
        break;
    }
  }
  settled_.erase(settled_.begin(), settled_.upper_bound(cursor_));
}

queue::LaneState Disk::load(bool hold_on_dead) const {
  queue::LaneState state;
  state.cursor = cursor_;
  std::set<RowId> passed(settled_.begin(), settled_.end());
  for (const auto& [id, change] : retry_) {
    state.retries.push_back(
        {id, change.lane, change.attempts, change.counted, change.tried_for, change.due});
    passed.insert(id);
  }
  for (const auto& [lane, ids] : parked_) {
    if (!ids.empty()) state.parked_lanes.push_back(lane);
    state.parked += ids.size();
    passed.insert(ids.begin(), ids.end());
  }
  for (const auto& [id, change] : dead_) {
    passed.insert(id);
    if (hold_on_dead) state.held_lanes.emplace_back(change.lane, id);
  }
  passed.erase(passed.begin(), passed.upper_bound(cursor_));
  state.passed.assign(passed.begin(), passed.end());
  return state;
}

std::vector<RowId> Disk::parked(queue::ShortHash lane, RowId after, std::size_t limit) const {
  std::vector<RowId> found;
  const auto ids = parked_.find(lane);
  if (ids == parked_.end()) return found;
  for (auto id = ids->second.upper_bound(after); id != ids->second.end() && found.size() < limit;
       ++id)
    found.push_back(*id);
  return found;
}

// Durably: it may not be offered again.
bool Disk::settled(RowId id) const {
  if (settled_.contains(id)) return true;
  if (id > cursor_) return false;
  if (retry_.contains(id) || dead_.contains(id)) return false;
  for (const auto& [lane, ids] : parked_) {
    if (ids.contains(id)) return false;
  }
  return true;
}

}  // namespace wxpush::simulation
