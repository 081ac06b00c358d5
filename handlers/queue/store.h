#pragma once
// Everything that one store consists of while it is open, and the one way to change it: transact().
// The parts know nothing of threads; whoever owns the store (its opener, then the writer) is alone
// with it.

#include "handlers/queue/body_key_table.h"
#include "handlers/queue/checkpointer.h"
#include "handlers/queue/eraser.h"
#include "handlers/queue/event_table.h"
#include "handlers/queue/facts.h"
#include "handlers/queue/filing.h"
#include "handlers/queue/generations.h"
#include "handlers/queue/handler_table.h"
#include "handlers/queue/known_ids.h"
#include "handlers/queue/lane_table.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/pruner.h"
#include "handlers/queue/quarantine_table.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/repeats.h"
#include "handlers/queue/resealer.h"
#include "handlers/queue/retention_clock.h"
#include "handlers/queue/space.h"
#include "handlers/queue/start.h"

namespace wxpush::queue {

// What only tests change.
struct StoreOptions {
  StartOptions start{};
  ShortHashOf hash_of = short_hash;
  std::size_t filing_rows = 1024;  // in one transaction
};

enum class Outcome {
  committed,  // durable
  full,       // rolled back for want of space
  failed,     // not known to be durable, and final: DiskHealth says why
};

class Store {
 public:
  // Throws StoreOpenError.
  Store(const QueueSettings& settings, Clock& clock, Disk& disk, Log& log,
        const StoreOptions& options);

  // Runs `body` between BEGIN and COMMIT. Nothing is attempted after a final failure.
  template <class Body>
  Outcome transact(const Body& body) {
    if (health().failed()) return Outcome::failed;
    try {
      begin_.run();
      body();
      commit_.run();
    } catch (const SqliteError& error) {
      return undo(error);
    }
    return decide();
  }
  // For what SQLite says outside a transaction.
  Outcome judge(const SqliteError& error);

  DiskHealth& health() noexcept { return *opened_.health; }
  std::int64_t starts() const noexcept { return opened_.starts; }
  Incarnation incarnation() const noexcept { return opened_.incarnation; }
  std::optional<WallTime> restored_at() const noexcept { return opened_.restored_at; }
  bool empty() const noexcept { return next_id == 1; }

 private:
  Outcome undo(const SqliteError& error);
  Outcome decide();
  Connection& connection() noexcept { return *opened_.connection; }
  BodyCipher open_bodies(const QueueSettings& settings, Clock& clock);

  OpenedStore opened_;  // first: the rest holds statements of its connection
  Statement begin_, commit_;

 public:
  Meta meta;
  BodyKeyTable body_keys;
  BodyCipher bodies;
  EventTable events;
  HandlerTable handlers;
  LaneTable lanes;
  QuarantineTable quarantine;
  Repeats repeats;
  Facts facts;
  Generations generations;
  KnownIds known;
  Filing filing;
  Pruner pruner;
  Eraser eraser;
  Resealer resealer;
  Space space;
  Checkpointer checkpointer;
  RetentionClock retention;
  RowId next_id;  // rises also when a transaction rolls back
};

}  // namespace wxpush::queue
