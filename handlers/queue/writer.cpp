#include "handlers/queue/writer.h"

#include <algorithm>
#include <exception>
#include <iterator>

namespace wxpush::queue {
namespace {

constexpr auto repeats_every = std::chrono::seconds{1};

}  // namespace

Writer::Writer(const QueueSettings& settings, Store& store, Inbox& inbox, Board& board,
               Clock& clock, Log& log, const StoreOptions& options)
    : settings_(settings),
      store_(store),
      inbox_(inbox),
      board_(board),
      clock_(clock),
      log_(log),
      upkeep_(store, clock, options.filing_rows),
      now_(clock.steady()),
      lazy_at_(now_),
      facts_at_(now_),
      retry_at_(now_),
      last_id_(store.next_id - 1) {
  publish();
}

void Writer::run(const QueueObserver& observer) noexcept {
  const SqliteLogScope log_scope(log_);
  observer_ = &observer;
  try {
    while (turn()) {
    }
  } catch (const std::exception& error) {
    store_.health().fail(error.what());
  }
  if (store_.health().failed()) fail();
  inbox_.ended();
}

template <class Body>
void Writer::guarded(const Body& body) {
  if (store_.health().failed()) return;
  try {
    body();
  } catch (const SqliteError& error) {
    if (store_.judge(error) == Outcome::full) store_.space.found_full();
  }
}

bool Writer::turn() {
  Inbox::Taken taken = inbox_.take(room(), wake_at(), lazy_at_);
  now_ = clock_.steady();
  take_over(taken);
  upkeep_.look_at_stamps(taken.arrived, now_);
  guarded([&] { sort_out(std::move(taken.arrived)); });
  guarded([&] { upkeep_.look(now_); });
  const bool at_once = taken.stopping || !taken.commands.empty();
  if (const std::size_t events = batch_size(); due(events, at_once)) commit(events);
  run_commands(taken.commands);
  guarded([&] {
    if (store_.checkpointer.due()) store_.checkpointer.run();
  });
  publish();
  if (store_.health().failed()) return false;
  if (!taken.stopping || taken.more || can_store()) return true;
  finish();
  return false;
}

// While events are held, all that arrive are looked at, since a known one needs no space.
std::size_t Writer::room() const {
  if (store_.space.holding()) return settings_.append_queue;
  return pending_.size() < settings_.batch_events ? settings_.batch_events - pending_.size() : 0;
}

SteadyTime Writer::wake_at() const {
  if (can_store()) return now_;
  SteadyTime at = upkeep_.next_look();
  if (upkeep_.more_to_do()) at = std::min(at, std::max(now_, retry_at_));
  if (lazy_work()) at = std::min(at, std::max(lazy_at_, retry_at_));
  const auto repeats_since = store_.repeats.oldest();
  if (repeats_since && !store_.space.holding()) at = std::min(at, *repeats_since + repeats_every);
  if (store_.facts.waiting() && !store_.space.holding()) at = std::min(at, facts_at_);
  return at;
}

void Writer::take_over(Inbox::Taken& taken) {
  mark_changes_ += taken.mark_changes;
  for (auto& [handler, marks] : taken.marks) {
    for (LaneMarks& one : marks) one.cursor = std::min(one.cursor, last_id_);  // what is stored
    std::vector<LaneMarks>& waiting = marks_[handler];
    std::move(marks.begin(), marks.end(), std::back_inserter(waiting));
  }
  quarantine_dropped_ += taken.quarantine_dropped;
  if (!store_.space.holding()) {
    for (const auto& [name, value] : taken.facts) store_.facts.note(name, value);
  }
  if (store_.space.holding()) {
    quarantine_dropped_ += taken.quarantined.size();  // no promise was made for them
  } else {
    std::move(taken.quarantined.begin(), taken.quarantined.end(), std::back_inserter(quarantined_));
  }
  quarantine_removals_.insert(quarantine_removals_.end(), taken.quarantine_removals.begin(),
                              taken.quarantine_removals.end());
  if (quarantine_dropped_ == 0) return;
  log_.warning("pushes that could not be opened were dropped instead of being quarantined",
               {{"pushes", quarantine_dropped_}});
  quarantine_dropped_ = 0;
}

// They change what marks refer to, so that marks made before them must have been committed.
void Writer::run_commands(std::vector<Inbox::Command>& commands) {
  for (Inbox::Command& command : commands) command(marks_.empty());
}

void Writer::sort_out(std::vector<Inbox::EntryPtr> arrived) {
  std::vector<Inbox::EntryPtr> known;
  std::vector<RowId> ids;
  for (auto entry = arrived.begin(); entry != arrived.end(); ++entry) {
    std::optional<RowId> id;
    try {
      id = store_.known.find((*entry)->event.event_id);
    } catch (const SqliteError&) {  // to be answered like all that wait
      std::move(known.begin(), known.end(), std::back_inserter(pending_));
      std::move(entry, arrived.end(), std::back_inserter(pending_));
      throw;
    }
    if (!id) {
      pending_.push_back(std::move(*entry));
      continue;
    }
    if (const std::uint64_t from = (*entry)->event.from_quarantine; from != 0) {
      quarantine_removals_.push_back(from);
    }
    known.push_back(std::move(*entry));
    ids.push_back(*id);
  }
  if (!known.empty()) answer_known(known, ids);
}

void Writer::answer_known(const std::vector<Inbox::EntryPtr>& entries,
                          const std::vector<RowId>& ids) {
  std::vector<std::vector<AppendCallback>> waiters = inbox_.finish(entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto pushes = static_cast<std::uint32_t>(waiters[i].size());
    const std::uint32_t seen = 1 + store_.repeats.saw(ids[i], pushes);
    store_.repeats.note(ids[i], entries[i]->event.event_id, seen, clock_.wall(), now_);
    call(waiters[i], ids[i], seen - pushes + 1, false);
  }
  if (observer_->answered) observer_->answered();
}

void Writer::call(std::vector<AppendCallback>& waiters, RowId id, std::uint32_t seen_first,
                  bool stored) {
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    waiters[i](Appended{.error = {},
                        .duplicate = !(stored && i == 0),
                        .id = id,
                        .seen = seen_first + static_cast<std::uint32_t>(i)});
  }
}

void Writer::finish() {
  answer_all(QueueError::stopped);  // what is left found no space
  store_.transact([&] {             // from where the next start may believe the wall clock
    store_.meta.set(meta_key::retention_clock, stored(store_.retention.time()));
    store_.meta.set(meta_key::next_id, static_cast<std::int64_t>(store_.next_id));
  });
  if (!store_.checkpointer.truncate() && !store_.health().failed()) {
    log_.info("the store's log could not be emptied at the end; the next start does it");
  }
  publish();
}

void Writer::fail() {
  inbox_.close(QueueError::store_failed);
  const std::string failure = store_.health().failure();
  log_.error("the store failed; nothing more is acknowledged", {{"failure", failure}});
  publish();
  answer_all(QueueError::store_failed);
  if (observer_->failed) observer_->failed(failure);
}

void Writer::answer_all(QueueError error) {
  Inbox::Taken taken = inbox_.take(settings_.append_queue, now_, now_);
  std::vector<Inbox::EntryPtr> left;
  std::move(pending_.begin(), pending_.end(), std::back_inserter(left));
  std::move(taken.arrived.begin(), taken.arrived.end(), std::back_inserter(left));
  pending_.clear();
  for (std::vector<AppendCallback>& waiters : inbox_.finish(left)) {
    for (AppendCallback& done : waiters) done(Appended{.error = error});
  }
  if (observer_->answered) observer_->answered();
}

void Writer::publish() {
  QueueStatus status;
  status.failed = store_.health().failed();
  status.failure = store_.health().failure();
  status.space = store_.space.state();
  status.incarnation = store_.incarnation();
  status.restored_at = store_.restored_at();
  status.last_id = last_id_;
  status.store_bytes = store_.space.store_bytes();
  status.free_bytes = store_.space.free_bytes();
  status.wal_bytes = store_.space.wal_bytes();
  status.commits = commits_;
  status.committed_events = committed_events_;
  status.quarantined = store_.quarantine.count();
  status.retention_time = store_.retention.time();
  if (!settings_.body_keys.empty()) status.body_key = settings_.body_keys.front().mark();
  status.resealing = store_.resealer.active();
  status.checkpoint_pinned = store_.checkpointer.pinned();
  board_.set(std::move(status));
}

}  // namespace wxpush::queue
