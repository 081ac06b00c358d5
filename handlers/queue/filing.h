#pragma once
// Moves the oldest half of the recent ids into the filed index, as one sorted run, in slices that
// ride in other transactions. Until the whole run and the mark filed_through are committed, its ids
// stay in memory; a crash in between files the run again. Owned by the writer thread.

#include "handlers/queue/generations.h"
#include "handlers/queue/known_ids.h"
#include "handlers/queue/meta.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace wxpush::queue {

class Filing {
 public:
  Filing(Meta& meta, KnownIds& known, Generations& generations, std::size_t recent_ids)
      : meta_(meta), known_(known), generations_(generations), recent_ids_(recent_ids) {}

  bool wanted() const noexcept { return !running() && known_.recent().size() > recent_ids_; }
  bool running() const noexcept { return !run_.empty(); }
  // The ids of the run that would begin now; begin() takes them.
  std::vector<RecentId> next_run() const { return known_.recent().oldest((recent_ids_ + 1) / 2); }
  void begin(std::vector<RecentId> run);
  void slice(std::size_t rows);  // in a transaction
  void committed();              // what the slice did stays
  void rolled_back() { reached_ = committed_; }

 private:
  using Pair = std::pair<ShortHash, RowId>;
  struct Position {
    std::size_t known = 0, orders = 0;
  };
  bool complete(const Position& at) const noexcept {
    return at.known == by_hash_.size() && at.orders == by_order_.size();
  }

  Meta& meta_;
  KnownIds& known_;
  Generations& generations_;
  std::size_t recent_ids_;
  std::vector<RecentId> run_;
  std::vector<Pair> by_hash_, by_order_;  // sorted as their tables are
  Position committed_, reached_;
};

}  // namespace wxpush::queue
