#pragma once
// The writer: turn by turn it takes what waits, answers what is known already, commits a batch,
// calls back, and looks after the store in between. It decides when; the parts of the store decide
// how.
//
// Owns the store while it runs, on one thread. Callbacks are called on that thread, with no lock
// held.

#include "handlers/queue/board.h"
#include "handlers/queue/inbox.h"
#include "handlers/queue/store.h"
#include "handlers/queue/upkeep.h"

#include <deque>
#include <vector>

namespace wxpush::queue {

class Writer {
 public:
  Writer(const QueueSettings& settings, Store& store, Inbox& inbox, Board& board, Clock& clock,
         Log& log, const StoreOptions& options);

  // Until the inbox is stopped and everything is decided, or the store failed. Never throws.
  void run(const QueueObserver& observer) noexcept;

 private:
  bool turn();  // false: it was the last
  std::size_t room() const;
  SteadyTime wake_at() const;
  void take_over(Inbox::Taken& taken);
  void run_commands(std::vector<Inbox::Command>& commands);
  void sort_out(std::vector<Inbox::EntryPtr> arrived);
  void answer_known(const std::vector<Inbox::EntryPtr>& entries, const std::vector<RowId>& ids);

  bool can_store() const { return !pending_.empty() && !store_.space.holding(); }
  bool lazy_work() const {
    return !marks_.empty() || !quarantined_.empty() || !quarantine_removals_.empty();
  }
  template <class Body>
  void guarded(const Body& body);  // for what talks to SQLite outside a transaction
  std::size_t batch_size() const;
  bool due(std::size_t events, bool stopping) const;
  void commit(std::size_t events);
  void write(std::size_t events, RowId first_id, bool with_notes);
  void write_marks();
  static RowId reached(const std::vector<LaneMarks>& marks);
  void committed(std::size_t events, RowId first_id, bool with_notes);
  void rolled_back(Outcome outcome, std::size_t events);
  std::vector<Inbox::EntryPtr> now_known(std::size_t events, RowId first_id);
  void acknowledge(const std::vector<Inbox::EntryPtr>& batch, RowId first_id);
  void call(std::vector<AppendCallback>& waiters, RowId id, std::uint32_t seen_first, bool stored);

  void finish();  // stopping, and nothing is left to commit
  void fail();
  void answer_all(QueueError error);
  void publish();

  const QueueSettings& settings_;
  Store& store_;
  Inbox& inbox_;
  Board& board_;
  Clock& clock_;
  Log& log_;
  Upkeep upkeep_;
  const QueueObserver* observer_ = nullptr;
  SteadyTime now_;                       // of this turn
  std::deque<Inbox::EntryPtr> pending_;  // not known; to be stored as soon as there is space
  Inbox::Marks marks_;
  std::size_t mark_changes_ = 0;
  std::vector<QuarantinedPush> quarantined_;
  std::vector<std::uint64_t> quarantine_removals_;
  std::uint64_t quarantine_dropped_ = 0;
  SteadyTime lazy_at_;   // lazy work is not committed before
  SteadyTime facts_at_;  // nor facts
  SteadyTime retry_at_;  // nothing but events is committed before, after a full disk
  RowId last_id_;        // the newest durable event
  std::uint64_t commits_ = 0, committed_events_ = 0;
  std::chrono::nanoseconds commit_took_{};
};

}  // namespace wxpush::queue
