#pragma once
// Writes the log back into the database, between batches. PASSIVE while the store runs: it never
// waits for readers, nor do they wait for it. Owned by the writer thread, the only one that may
// checkpoint.

#include "handlers/base/log.h"
#include "handlers/queue/disk_health.h"
#include "handlers/queue/log_witness.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>

namespace wxpush::queue {

// A lock that another process holds (only a foreign writer could) is not worth more than this.
constexpr int writer_patience_milliseconds = 2000;

class Checkpointer {
 public:
  // Beyond `pages` frames in the log it is written back. All outlive it.
  Checkpointer(Connection& connection, const StoreFiles& files, const Lock& lock, Disk& disk,
               DiskHealth& health, Log& log, std::uint64_t pages);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  bool due() const noexcept { return frames_ > next_at_; }
  // Throws SqliteError. A failed sync shows in DiskHealth.
  void run();
  bool truncate();  // empties the log; false at once if a reader still pins it
  bool pinned() const noexcept { return pinned_; }

 private:
  static int on_commit(void* self, sqlite3* connection, const char* database, int frames);

  Connection& connection_;
  LogWitness witness_;
  const Lock& lock_;
  Disk& disk_;
  Log& log_;
  DiskHealth& health_;
  std::uint64_t pages_;
  std::uint64_t next_at_;
  std::uint64_t frames_ = 0;  // in the log, as of the last commit
  bool pinned_ = false;
  bool warned_ = false;
};

}  // namespace wxpush::queue
