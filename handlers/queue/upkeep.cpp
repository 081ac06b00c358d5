#include "handlers/queue/upkeep.h"

#include "handlers/queue/store_files.h"

#include <algorithm>

namespace wxpush::queue {
namespace {

constexpr auto look_every = std::chrono::seconds{1};
constexpr std::uint64_t look_after_bytes = 64U << 20;
constexpr auto pass_every = std::chrono::seconds{60};
constexpr auto early_pass_every = std::chrono::seconds{5};
constexpr std::size_t free_rows = 2000;

}  // namespace

void Upkeep::look_at_stamps(const std::vector<Inbox::EntryPtr>& arrived, SteadyTime now) {
  std::optional<WallTime> earliest;  // that the wall clock can have shown now
  for (const Inbox::EntryPtr& entry : arrived) {
    if (entry->event.from_quarantine != 0) continue;  // as old as it says
    const auto waited = std::chrono::floor<std::chrono::milliseconds>(now - entry->arrived);
    const WallTime wall = entry->event.received_at + waited;
    earliest = std::min(earliest.value_or(wall), wall);
  }
  if (earliest) store_.retention.look(*earliest, now);
}

template <class Body>
bool Upkeep::done(const Body& body) {
  const Outcome outcome = store_.transact(body);
  if (outcome == Outcome::full) store_.space.found_full();
  return outcome == Outcome::committed;
}

void Upkeep::look(SteadyTime now) {
  look_at_space(now);
  look_at_rows(now);
  look_at_filing();
  if (!store_.space.holding()) store_.resealer.look();
}

void Upkeep::look_at_space(SteadyTime now) {
  if (now < next_look_ && store_.health().bytes_written() - bytes_seen_ < look_after_bytes) return;
  next_look_ = now + look_every;
  bytes_seen_ = store_.health().bytes_written();
  store_.space.look();
  // The wall clock first: what passes between the two must not look like a step forward.
  const WallTime wall = clock_.wall();
  store_.retention.look(wall, clock_.steady());
  if (store_.checkpointer.pinned()) store_.checkpointer.run();  // is it over? Without commits, too
}

void Upkeep::look_at_rows(SteadyTime now) {
  Pruner& pruner = store_.pruner;
  if (!pruner.active()) {
    if (store_.space.pressed() && now >= next_early_pass_) {
      pruner.begin(store_.retention.time(), true);
    } else if (now >= next_pass_) {
      next_pass_ = now + pass_every;
      write_clock_ = true;
      pruner.begin(store_.retention.time(), false);
    }
  }
  if (!pruner.active() || pruner.ready()) return;
  pruner.look();
  if (!pruner.active()) pass_over(now);
}

void Upkeep::pass_over(SteadyTime now) {
  if (store_.pruner.early()) {
    next_early_pass_ = now + early_pass_every;
    store_.space.look();
    store_.space.nothing_to_erase();
  }
  drop_expired();
}

// All of them: a busy store begins several between two passes.
void Upkeep::drop_expired() {
  Generations& generations = store_.generations;
  const std::vector<std::uint32_t> over =
      generations.expired(store_.retention.time(), store_.events, store_.filing.running());
  if (over.empty()) return;
  const auto mark = [&] {
    for (const std::uint32_t number : over) generations.mark_dropped(number);
  };
  if (!done(mark)) return;
  for (const std::uint32_t number : over) generations.dropped(number);
}

void Upkeep::look_at_filing() {
  if (!store_.filing.wanted() || store_.space.holding()) return;
  std::vector<RecentId> run = store_.filing.next_run();
  if (store_.generations.needs_new(store_.retention.time())) {
    if (!done([&] { store_.generations.create(run); })) return;
    store_.generations.created();
  }
  store_.filing.begin(std::move(run));
}

bool Upkeep::ready() const {
  return store_.pruner.ready() || store_.generations.freeing() ||
         (!store_.space.holding() && (store_.filing.running() || store_.resealer.ready()));
}

bool Upkeep::more_to_do() const {
  return ready() || store_.pruner.active() || (store_.resealer.active() && !store_.space.holding());
}

void Upkeep::write(std::size_t batch_events) {
  filed_ = store_.filing.running() && !store_.space.holding();
  erased_ = store_.pruner.ready();
  freed_ = store_.generations.freeing();
  resealed_ = store_.resealer.ready() && !store_.space.holding();
  // A clock that went back goes with the events that were stamped since, or a start after a kill
  // would take their stamps for old.
  written_clock_ = store_.retention.time();
  clock_written_ = write_clock_ || (batch_events > 0 && written_clock_ < stored_clock_);
  // Two rows per event must be filed in the end: enough of them go with each batch to keep up.
  if (filed_) store_.filing.slice(std::max(filing_rows_, batch_events * 4));
  if (erased_) store_.pruner.erase();
  if (freed_) store_.generations.free_slice(free_rows);
  if (resealed_) store_.resealer.write(stored(clock_.wall()));
  if (clock_written_) store_.meta.set(meta_key::retention_clock, stored(written_clock_));
}

void Upkeep::committed() {
  if (filed_) store_.filing.committed();
  if (freed_) store_.generations.slice_freed();
  if (resealed_) store_.resealer.committed();
  if (clock_written_) {
    stored_clock_ = written_clock_;
    write_clock_ = false;
  }
  if (!erased_) return;
  store_.pruner.committed();
  if (!store_.pruner.early()) return;
  store_.space.look();
  if (!store_.space.pressed()) store_.pruner.stop();
}

void Upkeep::rolled_back() {
  if (filed_) store_.filing.rolled_back();
  if (erased_) store_.pruner.rolled_back();
}

}  // namespace wxpush::queue
