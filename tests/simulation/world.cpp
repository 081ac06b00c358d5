#include "tests/simulation/world.h"

#include <algorithm>

namespace wxpush::simulation {

using dispatch::Blame;
using queue::RowId;
using std::chrono::hours;
using std::chrono::milliseconds;

World::World(std::uint64_t seed) : seed_(seed), random_(seed) {
  settings_.concurrency = 1 + below(6);
  settings_.open = 4 + below(40);
  settings_.window = settings_.open + below(100);
  settings_.unconfirmed = settings_.concurrency + 4 + below(30);
  settings_.lane_items = 2 + below(6);
  settings_.waiting_items = 1 + below(3);
  settings_.loaded_lanes = 1 + below(3);
  settings_.max_lanes = 8 + below(40);
  settings_.max_parked = 20 + below(100);
  settings_.breaker_threshold = static_cast<std::uint32_t>(2 + below(8));
  settings_.retry.retry_min = milliseconds(100);
  settings_.retry.retry_max = milliseconds(3000);
  settings_.retry.max_attempts = static_cast<std::uint32_t>(2 + below(4));
  settings_.retry.give_up_after = hours(1);
  settings_.hold_on_dead = chance(0.3);
  lanes_ = std::make_unique<dispatch::Lanes>(settings_, disk_.load(settings_.hold_on_dead), wall(),
                                             now());
}

bool World::chance(double probability) {
  return uniform() < probability;
}
std::uint64_t World::below(std::uint64_t bound) {
  return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
}
double World::uniform() {
  return std::uniform_real_distribution<double>(0, 1)(random_);
}
void World::pass(milliseconds time) {
  steady_ += time.count();
  wall_ += time.count();
}

void World::fail(const std::string& what) const {
  throw Violation("seed " + std::to_string(seed_) + ", step " + std::to_string(steps_) + ": " +
                  what);
}

void World::run() {
  const std::uint64_t steps = 200 + below(400);
  for (std::uint64_t i = 0; i < steps; ++i) step();
  drain();
  check_end();
}

void World::step() {
  ++steps_;
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
      return arrive();
    case 3:
    case 4:
      return read();
    case 5:
    case 6:
    case 7:
      return offer();
    case 8:
    case 9:
    case 10:
      return answer();
    case 11:
      return take_marks();
    case 12:
      return commit();
    case 13:
      return pass(milliseconds(below(500)));
    case 14:
      unpark();
      if (chance(0.1)) mood_ = static_cast<Mood>(below(3));
      return;
    default:
      if (chance(0.15)) return crash();
      if (chance(0.3)) return requeue();
      if (chance(0.2)) return replay();
      if (chance(0.1)) return expire();
      if (chance(0.1)) wall_ += chance(0.5) ? 86'400'000 : -86'400'000;
      return pass(milliseconds(below(4000)));
  }
}

void World::arrive() {
  for (std::uint64_t n = 1 + below(4); n > 0; --n) {
    Event event;
    event.lane = static_cast<queue::ShortHash>(chance(0.4) ? 1 : 1 + below(12));
    event.wanted = chance(0.85);
    if (chance(0.05)) event.fate = chance(0.5) ? Fate::poisoned : Fate::forbidden;
    events_.push_back(event);
  }
}

void World::read() {
  for (std::uint64_t n = 1 + below(8); n > 0 && lanes_->wants_events(); --n) {
    const RowId id = lanes_->read_through() + 1;
    if (id > events_.size()) return;
    if (event(id).wanted) {
      lanes_->read(id, event(id).lane);
    } else {
      lanes_->read_on_to(id);
    }
    check_bounds();
  }
}

void World::unpark() {
  while (const auto wanted = lanes_->wants_parked())
    lanes_->unpark(*wanted, disk_.parked(wanted->lane, wanted->after, wanted->limit));
}

void World::offer() {
  while (const auto offer = lanes_->next(now())) {
    check_offer(offer->id);
    flying_.push_back(offer->id);
    check_bounds();
    if (chance(0.3)) return;
  }
}

void World::check_offer(RowId id) {
  Event& offered = event(id);
  if (!offered.wanted) fail("an event that was not asked for: " + std::to_string(id));
  if (disk_.settled(id) && !offered.replaying)
    fail("offered after its mark was durable: " + std::to_string(id));
  if (flying_.size() >= settings_.concurrency) fail("more at once than concurrency");
  for (const RowId flying : flying_) {
    if (event(flying).lane == offered.lane) fail("two of one lane at once: " + std::to_string(id));
  }
  for (RowId earlier = 1; earlier < id; ++earlier) {
    const Event& other = event(earlier);
    if (settings_.hold_on_dead && other.dead && other.lane == offered.lane)
      fail("offered past a dead letter that holds its order: " + std::to_string(id));
    if (other.lane != offered.lane || !other.wanted || other.delivered > 0 || other.given_up)
      continue;
    fail("out of order: " + std::to_string(id) + " before " + std::to_string(earlier));
  }
}

void World::answer() {
  if (flying_.empty()) return;
  const auto which = flying_.begin() + static_cast<std::ptrdiff_t>(below(flying_.size()));
  const RowId id = *which;
  flying_.erase(which);
  Event& answered = event(id);
  const Mood mood = calm_ ? Mood::well : mood_;
  dispatch::Failure failure;
  if (!calm_ && chance(0.02)) {  // the feed found that it need not be offered
    answered.given_up = true;
    return lanes_->passed_over(id);
  }
  if (mood == Mood::down || (mood == Mood::flaky && chance(0.3))) {
    failure.error = "down";
    if (chance(0.2)) failure.retry_after = milliseconds(below(10'000));
  } else if (answered.fate == Fate::poisoned) {
    failure.blame = Blame::event;
    failure.permanent = chance(0.2);
    failure.error = "refused";
  } else if (answered.fate == Fate::forbidden) {
    failure.error = "500";
  } else {
    if (answered.delivered++ > 0 && ++repeats_ > repeats_allowed_)
      fail("repeated without a crash: " + std::to_string(id));
    ++well_;
    answered.replaying = false;
    return lanes_->delivered(id);
  }
  const auto decision = lanes_->failed(id, failure, wall(), now(), uniform());
  if (decision.dead) {
    const bool outage = failure.blame == Blame::handler && well_ == answered.well_before;
    if (outage &&
        steady_ - answered.failing_since < settings_.retry.give_up_after / milliseconds(1))
      fail("an outage killed " + std::to_string(id));
    answered.given_up = answered.dead = true;
  } else if (decision.delay > settings_.retry.retry_max) {
    fail("a retry later than retry_max");
  }
  answered.well_before = well_;
  if (answered.failing_since == 0) answered.failing_since = steady_;
}

void World::take_marks() {
  if (auto marks = lanes_->take_marks()) uncommitted_.push_back(std::move(*marks));
}

void World::commit() {
  for (std::uint64_t n = 1 + below(4); n > 0 && !uncommitted_.empty(); --n) {
    disk_.apply(uncommitted_.front());
    lanes_->committed(uncommitted_.front().sequence);
    uncommitted_.pop_front();
  }
}

// The process dies: what was not committed is forgotten, what was in flight was perhaps handled.
void World::crash() {
  std::size_t lost = flying_.size();
  for (const RowId id : flying_) {
    if (event(id).fate == Fate::healthy && chance(0.5)) ++event(id).delivered;
  }
  take_marks();
  for (const auto& marks : uncommitted_) {
    for (const auto& change : marks.changes)
      lost += change.place == queue::EventPlace::settled ? 1 : 0;
  }
  if (lost > settings_.unconfirmed) fail("too much will be repeated: " + std::to_string(lost));
  repeats_allowed_ += lost;
  flying_.clear();
  uncommitted_.clear();
  for (RowId id = 1; id <= events_.size(); ++id) event(id).dead = disk_.dead().contains(id);
  if (chance(0.3)) wall_ += chance(0.5) ? 86'400'000 : -86'400'000;
  lanes_ = std::make_unique<dispatch::Lanes>(settings_, disk_.load(settings_.hold_on_dead), wall(),
                                             now());
  const auto wake = lanes_->wake_at();
  if (wake != SteadyTime::max() && wake > now() + settings_.retry.retry_max)
    fail("after a step of the clock a retry is later than retry_max");
}

bool World::is_told(RowId id) const {
  for (const auto& marks : uncommitted_) {
    for (const auto& change : marks.changes) {
      if (change.id == id) return true;
    }
  }
  return false;
}

// An operator asks for dead letters back, or gives them up.
void World::requeue() {
  take_marks();
  for (const auto& [id, change] : disk_.dead()) {
    if (!lanes_->takes_requests()) break;
    if (!chance(0.5) || is_told(id)) continue;
    if (chance(0.2)) {
      lanes_->discard(id, change.lane);
      event(id).dead = false;
      continue;
    }
    if (chance(0.5)) event(id).fate = Fate::healthy;
    lanes_->requeue(id, change.lane);
    event(id).dead = false;
  }
  take_marks();
}

// An operator has settled events offered once more, many of one order, too.
void World::replay() {
  take_marks();
  const bool one_lane = chance(0.5);
  for (RowId id = 1; id <= lanes_->read_through(); ++id) {
    if (!lanes_->takes_requests()) break;
    Event& wanted = event(id);
    if (!wanted.wanted || !disk_.settled(id) || is_told(id) || wanted.replaying) continue;
    if (one_lane ? wanted.lane != 1 : !chance(0.2)) continue;
    wanted.replaying = true;
    ++repeats_allowed_;
    lanes_->requeue(id, wanted.lane, true);
  }
  take_marks();
}

// What is older than its handler's limit becomes a dead letter, but not while it is being offered.
void World::expire() {
  take_marks();
  const std::size_t before = uncommitted_.size();
  lanes_->give_up(below(events_.size() + 1), "too old");
  take_marks();
  if (uncommitted_.size() == before) return;
  for (const auto& change : uncommitted_.back().changes) {
    if (change.place != queue::EventPlace::dead) continue;
    if (std::ranges::find(flying_, change.id) != flying_.end())
      fail("given up while it was being offered: " + std::to_string(change.id));
    event(change.id).given_up = event(change.id).dead = true;
  }
}

// Held lanes come to an end when their dead letters are given up.
void World::give_up() {
  if (!settings_.hold_on_dead || !uncommitted_.empty()) return;
  const auto dead = disk_.dead();
  for (const auto& [id, change] : dead) {
    lanes_->discard(id, change.lane);
    event(id).dead = false;
  }
}

void World::drain() {
  calm_ = true;
  for (std::uint64_t round = 0;; ++round) {
    ++steps_;
    if (round > 100'000)
      fail("it does not come to an end: cursor " + std::to_string(lanes_->cursor()) + " of " +
           std::to_string(events_.size()) + ", lanes " + std::to_string(lanes_->lanes()));
    const auto before = lanes_->cursor();
    read();
    unpark();
    offer();
    const bool flew = !flying_.empty();
    while (!flying_.empty()) answer();
    give_up();
    take_marks();
    commit();
    if (lanes_->cursor() == events_.size() && lanes_->lanes() == 0 && uncommitted_.empty()) return;
    if (flew || lanes_->cursor() != before || !uncommitted_.empty()) continue;
    const auto wake = lanes_->wake_at();
    if (wake == SteadyTime::max()) continue;
    if (wake > now()) pass(std::chrono::ceil<milliseconds>(wake - now()));
  }
}

void World::check_bounds() const {
  if (lanes_->lanes() > settings_.max_lanes + 1) fail("too many lanes in memory");
  if (lanes_->in_flight() != flying_.size()) fail("in flight is miscounted");
}

void World::check_end() {
  const auto state = disk_.load(false);
  if (state.cursor != events_.size()) fail("the cursor did not come to the end");
  if (!state.retries.empty() || state.parked != 0) {
    fail("rows are left behind: " + std::to_string(state.retries.size()) + " retries, " +
         std::to_string(state.parked) + " parked" +
         (state.parked_lanes.empty() ? "" : " in lane " + std::to_string(state.parked_lanes[0])));
  }
  for (RowId id = 1; id <= events_.size(); ++id) {
    const Event& one = event(id);
    if (!one.wanted) continue;
    if (one.delivered == 0 && !one.given_up) fail("lost: " + std::to_string(id));
  }
}

}  // namespace wxpush::simulation
