#include "handlers/queue/repeats.h"

#include "handlers/queue/store_files.h"

namespace wxpush::queue {
namespace {

constexpr std::size_t counted_half = 32'768;  // 2 × about 1.3 MiB at most

}  // namespace

Repeats::Repeats(Connection& connection)
    : insert_(connection,
              "INSERT INTO repeat(sequence, id, event_id, seen, at) VALUES(?1, ?2, ?3, ?4, ?5)"),
      prune_(connection, "DELETE FROM repeat WHERE sequence <= ?1"),
      next_sequence_(static_cast<std::uint64_t>(
          connection.integer("SELECT coalesce(max(sequence), 0) + 1 FROM repeat"))) {}

std::uint32_t Repeats::saw(RowId id, std::uint32_t pushes) {
  std::uint32_t before = 0;
  if (const auto found = newer_.find(id); found != newer_.end()) {
    return found->second += pushes;
  }
  if (const auto found = older_.find(id); found != older_.end()) before = found->second;
  if (newer_.size() >= counted_half) {
    older_ = std::move(newer_);
    newer_.clear();
  }
  return newer_[id] = before + pushes;
}

void Repeats::note(RowId id, const event::EventId& event_id, std::uint32_t seen, WallTime at,
                   SteadyTime now) {
  if (waiting_.empty()) waiting_since_ = now;
  // Without space for long: the oldest half goes.
  if (waiting_.size() >= repeat_rows) {
    waiting_.erase(waiting_.begin(), waiting_.begin() + repeat_rows / 2);
  }
  waiting_.push_back({.sequence = 0, .id = id, .event_id = event_id, .seen = seen, .at = at});
}

std::optional<SteadyTime> Repeats::oldest() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_since_;
}

void Repeats::write() {
  std::uint64_t sequence = next_sequence_;
  for (const Repeat& repeat : waiting_) {
    insert_.run(sequence++, repeat.id, blob(repeat.event_id), repeat.seen, stored(repeat.at));
  }
  if (sequence > repeat_rows) prune_.run(sequence - 1 - repeat_rows);
}

void Repeats::committed() {
  next_sequence_ += waiting_.size();
  waiting_.clear();
}

}  // namespace wxpush::queue
