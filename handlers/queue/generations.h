#pragma once
// The filed index: (event id hash → id) and (order hash → id) of everything that is not recent any
// more, in a few generations by time. A generation is filled in sorted runs, so that its pages are
// touched in order; it has a Bloom filter in memory; and when everything in it is past retention it
// goes as a whole.
//
// Owned by the writer thread. Functions marked "in a transaction" change the disk only; what memory
// holds changes with the call that is to follow the commit.

#include "handlers/queue/bloom.h"
#include "handlers/queue/event_table.h"
#include "handlers/queue/filed_orders.h"
#include "handlers/queue/recent_ids.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

namespace wxpush::queue {

struct GenerationLimits {
  std::uint64_t ids = 0;  // in one generation, about, while there are not very many of them
  std::chrono::milliseconds span{};  // between its oldest and newest event, about
  std::chrono::milliseconds retention{};
};

class Generations {
 public:
  // Reads what there is and rebuilds the filters.
  Generations(Connection& connection, const GenerationLimits& limits);

  // The ids filed under this hash, newest generation first. They are candidates: compare the whole
  // event id.
  std::vector<RowId> find(ShortHash hash);

  // Filing. Whether a run that starts at `now` needs a generation of its own first:
  bool needs_new(WallTime now) const;
  void create(const std::vector<RecentId>& first_run);  // in a transaction
  void created();                                       // after its commit
  void file_known(ShortHash hash, RowId id);            // in a transaction
  void file_order(ShortHash hash, RowId id);            // in a transaction
  void close_run(const std::vector<RecentId>& run);     // in a transaction: what it covers now
  void run_closed();                                    // after its commit

  // Dropping. The numbers of those that nobody needs any more; while a run is filed the newest is
  // needed.
  std::vector<std::uint32_t> expired(WallTime now, EventTable& events, bool filing) const;
  void mark_dropped(std::uint32_t number);  // in a transaction
  void dropped(std::uint32_t number);       // after its commit: out of every search
  bool freeing() const noexcept { return !dropping_.empty(); }
  void free_slice(std::size_t rows);  // in a transaction: gives its pages back bit by bit
  void slice_freed();                 // after its commit

  // Shared with the readers of this process.
  std::shared_ptr<const FiledOrders> orders() const noexcept { return orders_; }
  std::size_t count() const noexcept { return live_.size(); }

 private:
  struct Facts {
    std::uint32_t number = 0;
    RowId first = 0, last = 0;
    std::int64_t oldest = 0, newest = 0;  // received_at
    std::uint64_t ids = 0;
  };
  struct Generation {
    Generation(Connection& connection, const Facts& about, std::uint64_t capacity_);
    Facts facts;
    std::uint64_t capacity;  // ids that the filter was made for
    Bloom filter;
    Statement find, file_known, file_order;
  };
  static Facts extended(Facts facts, const std::vector<RecentId>& run);
  void load(const Facts& facts, bool newest);
  void load_orders(const Generation& generation);
  std::uint64_t capacity_after(std::uint64_t ids) const;

  Connection& connection_;
  GenerationLimits limits_;
  Statement insert_, update_, drop_;
  std::list<Generation> live_;  // the newest last
  std::shared_ptr<FiledOrders> orders_ = std::make_shared<FiledOrders>();
  std::vector<std::uint32_t> dropping_;
  Facts pending_;           // between a transaction and its commit
  bool one_freed_ = false;  // likewise
};

}  // namespace wxpush::queue
