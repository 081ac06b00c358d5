#include "handlers/dispatch/lanes.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace wxpush::dispatch {

using queue::EventPlace;
using queue::RowId;
using queue::ShortHash;
using std::chrono::milliseconds;

Lanes::Lanes(const LaneSettings& settings, const queue::LaneState& found, WallTime wall,
             SteadyTime now)
    : settings_(settings),
      breaker_(settings.retry, settings.breaker_threshold),
      passed_(found.passed.begin(), found.passed.end()),
      read_through_(found.cursor),
      catch_up_(found.passed.empty() ? 0 : found.passed.back()),
      told_cursor_(found.cursor),
      parked_(found.parked),
      sequence_(settings.first_sequence),
      committed_(settings.first_sequence) {
  for (const auto& retry : found.retries) {
    Lane& lane = lanes_[retry.lane];
    lane.items.push_back({.id = retry.id,
                          .listed = true,
                          .attempts = retry.attempts,
                          .counted = retry.counted,
                          .tried_for = retry.tried_for});
    const milliseconds ahead =
        std::clamp(retry.due - wall, milliseconds(0), settings_.retry.retry_max);
    if (!lane.waiting) wait(retry.lane, lane, now + ahead);
  }
  for (const ShortHash key : found.parked_lanes) lanes_[key].more_parked = true;
  for (const auto& [key, id] : found.held_lanes) {
    Lane& lane = lanes_[key];
    stop_waiting(key, lane);
    lane.dead.push_back(id);
  }
  for (const ShortHash key : found.parked_lanes) {
    Lane& lane = lanes_[key];
    if (!lane.waiting) go_on(key, lane);
  }
}

// --- reading on

// After a crash, events that are listed may have earlier ones of their lanes among those that are
// not: all up to the last of them is read (as much as was in memory before) before any parked one
// is read back.
bool Lanes::wants_events() const {
  return catching_up() ||
         (open_ < settings_.open && window_.size() < settings_.window && has_room() && !stalled());
}

bool Lanes::has_room() const {
  return changes_.size() + taken_changes_ < settings_.unconfirmed;
}

bool Lanes::stalled() const {
  return lanes_.size() >= settings_.max_lanes || parked_ >= settings_.max_parked;
}

void Lanes::read(RowId id, ShortHash key) {
  assert(id > read_through_);
  read_through_ = id;
  if (passed_.erase(id) != 0) return;
  window_.push_back({id, false});
  ++open_;
  Item item{.id = id};
  Lane& lane = lanes_[key];
  const std::size_t room =
      lane.waiting || lane.held() ? settings_.waiting_items : settings_.lane_items;
  if (lane.more_parked || lane.items.size() >= room) {
    park(key, lane, item);
    lane.more_parked = true;
    return;
  }
  if (lane.waiting || lane.held()) park(key, lane, item);
  lane.last = id;
  lane.items.push_back(item);
  if (!lane.waiting) go_on(key, lane);
}

void Lanes::read_on_to(RowId id) {
  read_through_ = std::max(read_through_, id);
  passed_.erase(passed_.begin(), passed_.upper_bound(id));
}

// --- offering

// Then an outcome or a commit is waited for.
bool Lanes::full() const {
  return in_flight_.size() >= settings_.concurrency ||
         in_flight_.size() + changes_.size() + taken_changes_ >= settings_.unconfirmed;
}

std::optional<Offer> Lanes::next(SteadyTime now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    const ShortHash key = waiting_.begin()->second;
    Lane& lane = lanes_.at(key);
    stop_waiting(key, lane);
    go_on(key, lane);
  }
  if (ready_.empty() || full() || !breaker_.lets_through(now)) return std::nullopt;
  const ShortHash key = ready_.front();
  ready_.pop_front();
  Lane& lane = lanes_.at(key);
  lane.ready = false;
  lane.busy = true;
  breaker_.began();
  const Item& head = lane.items.front();
  in_flight_.emplace(head.id, key);
  return Offer{head.id, head.attempts + 1};
}

// Takes the event out of flight; its lane is not busy any more.
Lanes::Lane& Lanes::land(RowId id, ShortHash& key) {
  const auto flight = in_flight_.find(id);
  assert(flight != in_flight_.end());
  key = flight->second;
  in_flight_.erase(flight);
  Lane& lane = lanes_.at(key);
  assert(lane.busy && lane.items.front().id == id);
  lane.busy = false;
  return lane;
}

void Lanes::delivered(RowId id) {
  ShortHash key = 0;
  Lane& lane = land(id, key);
  ++well_;
  if (breaker_.answered()) wake_all();
  settle(key, lane);
}

void Lanes::passed_over(RowId id) {
  ShortHash key = 0;
  Lane& lane = land(id, key);
  breaker_.withdrawn();
  settle(key, lane);
}

void Lanes::settle(ShortHash key, Lane& lane) {
  Item head = lane.items.front();
  lane.items.erase(lane.items.begin());
  if (head.listed && head.attempts == 0) --parked_;
  const bool was_listed = std::exchange(head.listed, true);
  change(key, head, EventPlace::settled, was_listed);
  if (!was_listed) close(head.id);
  go_on(key, lane);
}

Decision Lanes::failed(RowId id, const Failure& failure, WallTime wall, SteadyTime now,
                       double random) {
  ShortHash key = 0;
  Lane& lane = land(id, key);
  Item& head = lane.items.front();
  if (head.listed && head.attempts == 0) --parked_;
  const bool again = head.tried_at != SteadyTime{};
  if (again) head.tried_for += std::chrono::duration_cast<milliseconds>(now - head.tried_at);
  const Decision decision = decide(settings_.retry, failure,
                                   {.attempts = ++head.attempts,
                                    .counted = head.counted,
                                    .others_well = again && well_ > head.well_before,
                                    .tried_for = head.tried_for},
                                   random);
  head.tried_at = now;
  head.well_before = well_;
  if (decision.counted) ++head.counted;
  const bool was_listed = std::exchange(head.listed, true);
  change(key, head, decision.dead ? EventPlace::dead : EventPlace::retry, was_listed,
         wall + decision.delay, failure.error);
  if (!was_listed) close(id);
  judge_handler(failure.blame, now, random);
  if (decision.dead) {
    lane.items.erase(lane.items.begin());
    if (settings_.hold_on_dead) hold(key, lane, id);
    go_on(key, lane);
  } else {
    bound(key, lane, settings_.waiting_items);
    wait(key, lane, now + decision.delay);
  }
  return decision;
}

// What a failure says about the handler as a whole.
void Lanes::judge_handler(Blame blame, SteadyTime now, double random) {
  switch (blame) {
    case Blame::event:
      if (breaker_.answered()) wake_all();
      return;
    case Blame::part:  // nothing: if it was the probe, another one is, of another part perhaps
      return breaker_.withdrawn();
    case Blame::handler:
    case Blame::place:
      return breaker_.failed(now, random);
  }
}

SteadyTime Lanes::wake_at() const {
  if (full()) return SteadyTime::max();
  if (!ready_.empty()) return breaker_.probe_at();
  if (waiting_.empty()) return SteadyTime::max();
  const bool open = breaker_.state() == Breaker::State::open;
  return open ? std::max(waiting_.begin()->first, breaker_.probe_at()) : waiting_.begin()->first;
}

// --- parked events

std::optional<Lanes::Wanted> Lanes::wants_parked() const {
  if (catching_up() || loaded_ >= settings_.loaded_lanes) return std::nullopt;
  for (const ShortHash key : to_load_) {
    const Lane& lane = lanes_.at(key);
    if (lane.parked_with <= committed_) return Wanted{key, lane.last, settings_.lane_items};
  }
  return std::nullopt;
}

void Lanes::unpark(const Wanted& wanted, const std::vector<RowId>& ids) {
  const auto place = std::find(to_load_.begin(), to_load_.end(), wanted.lane);
  assert(place != to_load_.end());
  to_load_.erase(place);
  Lane& lane = lanes_.at(wanted.lane);
  lane.loading = false;
  lane.more_parked = ids.size() >= wanted.limit;
  for (const RowId id : ids) lane.items.push_back({.id = id, .listed = true});
  if (!ids.empty()) lane.last = ids.back();
  if (!lane.loaded && !ids.empty()) {
    lane.loaded = true;
    ++loaded_;
  }
  if (lane.held()) unload(lane);
  go_on(wanted.lane, lane);
}

bool Lanes::requeue(RowId id, ShortHash key, bool replay) {
  Lane& lane = lanes_[key];
  const auto is_it = [id](const Item& item) { return item.id == id; };
  if (std::ranges::any_of(lane.items, is_it)) return false;  // asked for twice
  std::erase(lane.dead, id);
  Item item{.id = id, .listed = true};
  ++parked_;
  change(key, item, EventPlace::parked, true, {}, {}, replay);
  if (lane.more_parked && id > lane.last) {  // it is read back with those around it
    if (!lane.waiting) go_on(key, lane);
    return true;
  }
  const bool stays = lane.busy || failed_before(lane);
  const auto place =
      std::upper_bound(lane.items.begin() + (stays ? 1 : 0), lane.items.end(), id,
                       [](RowId wanted, const Item& other) { return wanted < other.id; });
  lane.items.insert(place, item);
  lane.last = std::max(lane.last, id);
  if (lane.items.size() > settings_.lane_items) bound(key, lane, settings_.lane_items);
  if (!lane.waiting) go_on(key, lane);
  return true;
}

void Lanes::discard(RowId id, ShortHash key) {
  change(key, {.id = id, .listed = true}, EventPlace::discarded, true);
  const auto found = lanes_.find(key);
  if (found == lanes_.end() || std::erase(found->second.dead, id) == 0) return;
  go_on(key, found->second);
}

bool Lanes::stops(RowId id) const {
  return std::ranges::any_of(lanes_, [id](const auto& one) {
    return std::ranges::find(one.second.dead, id) != one.second.dead.end();
  });
}

void Lanes::erased(RowId id) {
  for (auto one = lanes_.begin(); one != lanes_.end(); ++one) {
    if (std::erase(one->second.dead, id) == 0) continue;
    return go_on(one->first, one->second);
  }
}

// --- giving up

std::vector<RowId> Lanes::give_up(RowId through, const std::string& error) {
  std::vector<ShortHash> keys;
  for (const auto& [key, lane] : lanes_) {
    if (lane.busy || lane.held() || lane.items.empty()) continue;
    if (lane.items.front().id <= through) keys.push_back(key);
  }
  std::vector<RowId> given_up;
  for (const ShortHash key : keys) {
    if (!has_room()) break;
    give_up_in(key, lanes_.at(key), through, error, given_up);
  }
  return given_up;
}

void Lanes::give_up_in(ShortHash key, Lane& lane, RowId through, const std::string& error,
                       std::vector<RowId>& given_up) {
  stop_waiting(key, lane);
  if (lane.ready) {
    ready_.erase(std::find(ready_.begin(), ready_.end(), key));
    lane.ready = false;
  }
  while (!lane.items.empty() && lane.items.front().id <= through && has_room() && !lane.held()) {
    const Item item = lane.items.front();
    lane.items.erase(lane.items.begin());
    bury(key, item, error);
    given_up.push_back(item.id);
    if (settings_.hold_on_dead) hold(key, lane, item.id);
  }
  go_on(key, lane);
}

// Its dead letter stops the lane.
void Lanes::hold(ShortHash key, Lane& lane, RowId id) {
  lane.dead.push_back(id);
  bound(key, lane, settings_.waiting_items);
  unload(lane);
}

// Not the work of a handler: no attempt is counted.
void Lanes::bury(ShortHash key, const Item& item, const std::string& error) {
  if (item.listed && item.attempts == 0) --parked_;
  change(key, item, EventPlace::dead, item.listed, {}, error);
  if (!item.listed) close(item.id);
}

// --- marks

std::optional<queue::LaneMarks> Lanes::take_marks() {
  const RowId reached = cursor();
  if (changes_.empty() && reached == told_cursor_) return std::nullopt;
  told_cursor_ = reached;
  queue::LaneMarks marks{++sequence_, reached, std::exchange(changes_, {})};
  taken_.emplace_back(sequence_, marks.changes.size());
  taken_changes_ += marks.changes.size();
  return marks;
}

void Lanes::committed(std::uint64_t sequence) {
  committed_ = std::max(committed_, sequence);
  while (!taken_.empty() && taken_.front().first <= committed_) {
    taken_changes_ -= taken_.front().second;
    taken_.pop_front();
  }
}

RowId Lanes::cursor() const {
  return window_.empty() ? read_through_ : window_.front().id - 1;
}

// --- lanes

bool Lanes::failed_before(const Lane& lane) const {
  return !lane.items.empty() && lane.items.front().attempts > 0;
}

// What a lane that is neither busy nor waiting does next; it may be gone afterwards.
void Lanes::go_on(ShortHash key, Lane& lane) {
  if (lane.busy || lane.ready || lane.loading || lane.held()) return;
  if (!lane.items.empty()) return make_ready(key, lane);
  unload(lane);
  if (lane.more_parked) {
    lane.loading = true;
    to_load_.push_back(key);
  } else {
    lanes_.erase(key);
  }
}

void Lanes::make_ready(ShortHash key, Lane& lane) {
  lane.ready = true;
  ready_.push_back(key);
}

void Lanes::wait(ShortHash key, Lane& lane, SteadyTime due) {
  unload(lane);
  lane.waiting = true;
  lane.due = due;
  waiting_.emplace(due, key);
}

void Lanes::stop_waiting(ShortHash key, Lane& lane) {
  if (!lane.waiting) return;
  waiting_.erase({lane.due, key});
  lane.waiting = false;
}

void Lanes::wake_all() {
  for (auto waiting = std::exchange(waiting_, {}); const auto& [due, key] : waiting) {
    Lane& lane = lanes_.at(key);
    lane.waiting = false;
    go_on(key, lane);
  }
}

void Lanes::unload(Lane& lane) {
  if (std::exchange(lane.loaded, false)) --loaded_;
}

void Lanes::park(ShortHash key, Lane& lane, Item& item) {
  item.listed = true;
  ++parked_;
  lane.parked_with = sequence_ + 1;  // with the next marks
  change(key, item, EventPlace::parked, false);
  close(item.id);
}

// The lane waits, is held, or has too much before it: the cursor goes past what is in it, and
// memory keeps few.
void Lanes::bound(ShortHash key, Lane& lane, std::size_t keep) {
  for (Item& item : lane.items) {
    if (!item.listed) park(key, lane, item);
  }
  while (lane.items.size() > keep) {
    lane.last = lane.items.back().id - 1;
    lane.items.pop_back();
    lane.more_parked = true;
    lane.parked_with = sequence_ + 1;  // whoever calls this has just changed something
  }
  if (lane.items.capacity() > 2 * keep) lane.items.shrink_to_fit();
}

void Lanes::close(RowId id) {
  const auto place =
      std::lower_bound(window_.begin(), window_.end(), id,
                       [](const Open& open, RowId wanted) { return open.id < wanted; });
  assert(place != window_.end() && place->id == id && !place->closed);
  place->closed = true;
  --open_;
  while (!window_.empty() && window_.front().closed) window_.pop_front();
}

void Lanes::change(ShortHash key, const Item& item, EventPlace place, bool listed_before,
                   WallTime due, std::string error, bool replay) {
  // What lies on the disk above `last` is read back only when it is as we know it: a head that went
  // ahead of requeued ones may be among it.
  const auto lane = lanes_.find(key);
  if (listed_before && lane != lanes_.end() && item.id > lane->second.last)
    lane->second.parked_with = sequence_ + 1;
  changes_.push_back({.id = item.id,
                      .lane = key,
                      .place = place,
                      .listed_before = listed_before,
                      .replay = replay,
                      .attempts = item.attempts,
                      .counted = item.counted,
                      .tried_for = item.tried_for,
                      .due = due,
                      .error = std::move(error)});
}

}  // namespace wxpush::dispatch
