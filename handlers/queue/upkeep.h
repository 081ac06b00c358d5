#pragma once
// What the writer looks after beside its batches: space, pruning, filing, generations, bodies to
// seal anew. Each turn it looks what is due, and prepares at most one slice of each, to ride in the
// next transaction.

#include "handlers/base/clock.h"
#include "handlers/queue/inbox.h"
#include "handlers/queue/store.h"

#include <vector>

namespace wxpush::queue {

class Upkeep {
 public:
  Upkeep(Store& store, Clock& clock, std::size_t filing_rows)
      : store_(store), clock_(clock), filing_rows_(filing_rows) {}

  // What was stamped while the wall clock was set back must not be erased by a clock that missed
  // that. To be told of all that arrived, before it is stored.
  void look_at_stamps(const std::vector<Inbox::EntryPtr>& arrived, SteadyTime now);

  // Throws SqliteError, outside a transaction.
  void look(SteadyTime now);
  bool ready() const;       // something is to be written
  bool more_to_do() const;  // look again at once
  SteadyTime next_look() const noexcept { return next_look_; }

  void write(std::size_t batch_events);  // in a transaction
  void committed();
  void rolled_back();

 private:
  void look_at_space(SteadyTime now);
  void look_at_rows(SteadyTime now);
  void pass_over(SteadyTime now);
  void look_at_filing();
  void drop_expired();
  template <class Body>
  bool done(const Body& body);  // a transaction of its own

  Store& store_;
  Clock& clock_;
  std::size_t filing_rows_;
  SteadyTime next_look_{};
  SteadyTime next_pass_{};
  SteadyTime next_early_pass_{};
  std::uint64_t bytes_seen_ = 0;  // written, at the last look at the space
  bool filed_ = false, erased_ = false, freed_ = false, resealed_ = false,
       clock_written_ = false;  // in this transaction
  bool write_clock_ = false;
  WallTime stored_clock_ = WallTime::max();  // what this process last stored of the retention clock
  WallTime written_clock_{};                 // in this transaction
};

}  // namespace wxpush::queue
