// The part of Writer that commits: what goes into one transaction, and what follows from its
// outcome.

#include "handlers/queue/store_files.h"
#include "handlers/queue/writer.h"

#include <algorithm>
#include <utility>

namespace wxpush::queue {
namespace {

constexpr std::size_t batch_bytes = 4U << 20;
constexpr auto lazy_every = std::chrono::milliseconds{100};
constexpr auto notes_every = std::chrono::seconds{1};
constexpr auto retry_every = std::chrono::seconds{1};

}  // namespace

std::size_t Writer::batch_size() const {
  if (!can_store()) return 0;
  std::size_t bytes = 0;
  std::size_t events = 0;
  for (const Inbox::EntryPtr& entry : pending_) {
    bytes += entry->bytes;
    if (events == settings_.batch_events || (events > 0 && bytes > batch_bytes)) break;
    ++events;
  }
  return events;
}

bool Writer::due(std::size_t events, bool stopping) const {
  if (events > 0) return true;
  if (now_ < retry_at_ && !stopping) return false;
  if (upkeep_.ready()) return true;
  if (mark_changes_ >= Inbox::many_changes) return true;
  if (lazy_work() && (stopping || now_ >= lazy_at_)) return true;
  if (store_.space.holding()) return false;
  if (store_.facts.waiting() && (stopping || now_ >= facts_at_)) return true;
  const auto since = store_.repeats.oldest();
  return since && (stopping || now_ >= *since + notes_every);
}

void Writer::commit(std::size_t events) {
  const SteadyTime began = clock_.steady();
  const RowId first_id = store_.next_id;
  store_.next_id += events;  // also if it rolls back: an id is used once
  const bool with_notes = !store_.space.holding();
  const Outcome outcome = store_.transact([&] { write(events, first_id, with_notes); });
  if (outcome == Outcome::committed) {
    commit_took_ = clock_.steady() - began;
    committed(events, first_id, with_notes);
  } else {
    rolled_back(outcome, events);
  }
}

void Writer::write(std::size_t events, RowId first_id, bool with_notes) {
  for (std::size_t i = 0; i < events; ++i) {
    const NewEvent& event = pending_[i]->event;
    store_.events.insert(first_id + i, event);
    if (event.from_quarantine != 0) store_.quarantine.remove(event.from_quarantine);
  }
  if (events > 0) {
    store_.meta.set(meta_key::next_id, static_cast<std::int64_t>(store_.next_id));
    const std::int64_t rows = store_.meta.get(meta_key::events, 0);
    store_.meta.set(meta_key::events, rows + static_cast<std::int64_t>(events));
  }
  write_marks();
  for (const QuarantinedPush& push : quarantined_) store_.quarantine.add(push);
  for (const std::uint64_t id : quarantine_removals_) store_.quarantine.remove(id);
  if (with_notes) {
    store_.repeats.write();
    store_.facts.write();
  }
  upkeep_.write(events);
}

void Writer::committed(std::size_t events, RowId first_id, bool with_notes) {
  ++commits_;
  committed_events_ += events;
  if (events > 0) last_id_ = first_id + events - 1;
  const Inbox::Marks marks = std::exchange(marks_, {});
  mark_changes_ = 0;
  for (const auto& [handler, list] : marks) store_.handlers.settled(handler, reached(list));
  if (!marks.empty()) board_.set(store_.handlers.all());
  quarantined_.clear();
  quarantine_removals_.clear();
  store_.quarantine.committed();
  if (with_notes) {
    store_.repeats.committed();
    store_.facts.committed();
    facts_at_ = now_ + notes_every;
  }
  lazy_at_ = now_ + lazy_every;
  const std::vector<Inbox::EntryPtr> batch = now_known(events, first_id);
  publish();
  acknowledge(batch, first_id);
  if (observer_->committed) observer_->committed(commit_took_, events);
  if (events > 0 && observer_->committed_events) observer_->committed_events(last_id_);
  if (observer_->marked) {
    for (const auto& [handler, list] : marks) observer_->marked(handler, list.back().sequence);
  }
  upkeep_.committed();
}

RowId Writer::reached(const std::vector<LaneMarks>& marks) {
  RowId cursor = 0;
  for (const LaneMarks& one : marks) cursor = std::max(cursor, one.cursor);
  return cursor;
}

void Writer::write_marks() {
  for (const auto& [handler, list] : marks_) {
    const RowId cursor = reached(list);
    store_.handlers.settle(handler, cursor);
    store_.lanes.apply(handler, list, cursor, stored(clock_.wall()));
  }
}

std::vector<Inbox::EntryPtr> Writer::now_known(std::size_t events, RowId first_id) {
  std::vector<Inbox::EntryPtr> batch;
  batch.reserve(events);
  for (std::size_t i = 0; i < events; ++i) {
    const NewEvent& event = pending_.front()->event;
    store_.known.add({.id = first_id + i,
                      .event_id = event.event_id,
                      .order = order_hash(event.order_key),
                      .received_at = stored(event.received_at)});
    batch.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  return batch;
}

void Writer::acknowledge(const std::vector<Inbox::EntryPtr>& batch, RowId first_id) {
  std::vector<std::vector<AppendCallback>> waiters = inbox_.finish(batch);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const RowId id = first_id + i;
    const auto pushes = static_cast<std::uint32_t>(waiters[i].size());
    if (pushes > 1) {
      store_.repeats.saw(id, pushes - 1);
      store_.repeats.note(id, batch[i]->event.event_id, pushes, clock_.wall(), now_);
    }
    call(waiters[i], id, 1, true);
  }
  if (observer_->answered) observer_->answered();
}

void Writer::rolled_back(Outcome outcome, std::size_t events) {
  upkeep_.rolled_back();
  store_.quarantine.rolled_back();
  if (outcome != Outcome::full) return;
  store_.space.found_full();
  quarantine_dropped_ += quarantined_.size();
  quarantined_.clear();
  // The reserve is free now: without events the rest may find room at once. If it did not, not
  // before a while.
  retry_at_ = events > 0 ? now_ : now_ + retry_every;
}

}  // namespace wxpush::queue
