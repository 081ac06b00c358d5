#include "handlers/queue/inbox.h"

#include "handlers/queue/facts.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace wxpush::queue {
namespace {

// What waits to be quarantined is bounded too; it is a courtesy, not a promise.
constexpr std::size_t max_quarantine_waiting = 1024;
constexpr std::uint64_t max_quarantine_bytes = 16U << 20;

std::size_t bytes_of(const NewEvent& event) {
  return sizeof(Inbox::Entry) + event.body.size() + event.app.size() + event.appid.size() +
         event.type.size() + event.order_key.size();
}

}  // namespace

void Inbox::append(std::vector<Arrival> arrivals) {
  std::vector<std::pair<AppendCallback, QueueError>> refused;
  {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.steady();
    for (Arrival& arrival : arrivals) {
      if (const auto because = take_in(arrival, now))
        refused.emplace_back(std::move(arrival.done), *because);
    }
    if (!arrived_.empty()) wake();
  }
  for (const auto& [done, because] : refused) done(Appended{.error = because});
}

bool Inbox::has_room(const Share& share, std::size_t bytes) const {
  if (pushes_ >= max_pushes_ || bytes_ + bytes > max_bytes_) return false;
  if (shares_.size() < 2 || share.pushes == 0) return true;  // the largest push alone must fit
  return share.pushes < (max_pushes_ + 1) / 2 && share.bytes + bytes <= max_bytes_ / 2;
}

// Takes it over, unless it refuses it.
std::optional<QueueError> Inbox::take_in(Arrival& arrival, SteadyTime now) {
  auto& [event, done] = arrival;
  if (closed_) return closed_;
  Share& share = shares_[event.app];
  if (!has_room(share, 0)) return QueueError::overloaded;
  if (const auto found = in_flight_.find(event.event_id); found != in_flight_.end()) {
    ++pushes_;
    ++share.pushes;
    found->second->waiters.push_back(std::move(done));
    // Its quarantine entry stays until a later try finds the event stored: it must not go before
    // that is durable.
    return std::nullopt;
  }
  const std::size_t bytes = bytes_of(event);
  if (!has_room(share, bytes)) return QueueError::overloaded;
  ++pushes_;
  ++share.pushes;
  bytes_ += bytes;
  share.bytes += bytes;
  auto entry = std::make_unique<Entry>(Entry{std::move(event), bytes, {}});
  entry->waiters.push_back(std::move(done));
  entry->arrived = now;
  in_flight_.emplace(entry->event.event_id, entry.get());
  arrived_.push_back(std::move(entry));
  return std::nullopt;
}

void Inbox::mark(std::uint32_t handler, LaneMarks marks) {
  const std::lock_guard lock(mutex_);
  const bool was_waiting = lazy_work();
  const bool was_many = next_.mark_changes >= many_changes;
  next_.mark_changes += marks.changes.size();
  std::vector<LaneMarks>& waiting = next_.marks[handler];
  if (marks.changes.empty() && !waiting.empty() && waiting.back().changes.empty()) {
    waiting.back().cursor = std::max(waiting.back().cursor, marks.cursor);
    waiting.back().sequence = std::max(waiting.back().sequence, marks.sequence);
  } else {
    waiting.push_back(std::move(marks));
  }
  const bool became_many = !was_many && next_.mark_changes >= many_changes;
  if (!was_waiting || became_many) wake();
}

void Inbox::quarantine(QuarantinedPush push) {
  const std::lock_guard lock(mutex_);
  if (closed_ || next_.quarantined.size() >= max_quarantine_waiting ||
      quarantine_bytes_ + push.bytes() > max_quarantine_bytes) {
    ++next_.quarantine_dropped;
    return;
  }
  const bool was_waiting = lazy_work();
  quarantine_bytes_ += push.bytes();
  next_.quarantined.push_back(std::move(push));
  wake_if_first(was_waiting);
}

void Inbox::remove_quarantined(const std::vector<std::uint64_t>& ids) {
  const std::lock_guard lock(mutex_);
  const bool was_waiting = lazy_work();
  next_.quarantine_removals.insert(next_.quarantine_removals.end(), ids.begin(), ids.end());
  wake_if_first(was_waiting);
}

void Inbox::remember(std::string name, std::string value) {
  const std::lock_guard lock(mutex_);
  if (next_.facts.size() >= max_facts && !next_.facts.contains(name)) return;
  next_.facts.insert_or_assign(std::move(name), std::move(value));
}

void Inbox::run(Command command) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  next_.commands.push_back(std::move(command));
  wake();
}

void Inbox::stop() {
  const std::lock_guard lock(mutex_);
  if (!closed_) closed_ = QueueError::stopped;
  next_.stopping = true;
  work_.notify_one();
}

void Inbox::close(QueueError because) {
  const std::lock_guard lock(mutex_);
  closed_ = because;
}

std::uint64_t Inbox::waiting() const {
  const std::lock_guard lock(mutex_);
  return pushes_;
}

bool Inbox::full() const {
  const std::lock_guard lock(mutex_);
  return pushes_ >= max_pushes_ || bytes_ >= max_bytes_;
}

void Inbox::wait_until_idle() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = ++idle_wanted_;
  work_.notify_one();
  idle_.wait(lock, [&] { return ended_ || idle_reached_ >= wanted; });
}

bool Inbox::lazy_work() const {
  return !next_.marks.empty() || !next_.quarantined.empty() || !next_.quarantine_removals.empty();
}

// A writer asleep knows of no lazy work: the first of it makes it look when to wake.
void Inbox::wake_if_first(bool was_waiting) {
  if (!was_waiting) wake();
}

bool Inbox::has_work(std::size_t room, SteadyTime lazy_at) const {
  return (room > 0 && !arrived_.empty()) || next_.stopping || idle_seen_ < idle_wanted_ ||
         !next_.commands.empty() || next_.mark_changes >= many_changes ||
         (lazy_work() && clock_.steady() >= lazy_at);
}

// The clock may be a test's: it is asked again after each wait, and a wait ends within a second of
// real time.
bool Inbox::sleep_until(std::unique_lock<std::mutex>& lock, SteadyTime wake_at) {
  const auto left = wake_at - clock_.steady();
  if (left <= SteadyTime::duration::zero()) return false;
  if (idle_reached_ < idle_seen_) {
    idle_reached_ = idle_seen_;
    idle_.notify_all();
  }
  sleeping_ = true;
  work_.wait_until(lock, std::chrono::steady_clock::now() +
                             std::min<SteadyTime::duration>(left, std::chrono::seconds{1}));
  sleeping_ = false;
  return true;
}

Inbox::Taken Inbox::take(std::size_t room, SteadyTime wake_at, SteadyTime lazy_at) {
  std::unique_lock lock(mutex_);
  while (!has_work(room, lazy_at) &&
         sleep_until(lock, lazy_work() ? std::min(wake_at, lazy_at) : wake_at)) {
  }
  idle_seen_ = idle_wanted_;
  quarantine_bytes_ = 0;
  const bool stopping = next_.stopping;
  Taken taken = std::exchange(next_, {});
  next_.stopping = stopping;
  const std::size_t count = std::min(room, arrived_.size());
  const auto end = arrived_.begin() + static_cast<std::ptrdiff_t>(count);
  taken.arrived.assign(std::make_move_iterator(arrived_.begin()), std::make_move_iterator(end));
  arrived_.erase(arrived_.begin(), end);
  taken.more = !arrived_.empty();
  return taken;
}

std::vector<std::vector<AppendCallback>> Inbox::finish(const std::vector<EntryPtr>& entries) {
  std::vector<std::vector<AppendCallback>> waiters;
  waiters.reserve(entries.size());
  const std::lock_guard lock(mutex_);
  for (const EntryPtr& entry : entries) {
    in_flight_.erase(entry->event.event_id);
    Share& share = shares_[entry->event.app];
    pushes_ -= entry->waiters.size();
    share.pushes -= entry->waiters.size();
    bytes_ -= entry->bytes;
    share.bytes -= entry->bytes;
    waiters.push_back(std::move(entry->waiters));
  }
  return waiters;
}

void Inbox::ended() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  next_.commands.clear();
  idle_.notify_all();
}

}  // namespace wxpush::queue
