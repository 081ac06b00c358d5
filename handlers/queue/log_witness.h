#pragma once
// How long the log is known to be. A log that is cut off between two commits looks whole, and one
// whose last commit is damaged looks torn, as by a power cut; so after each commit the number of
// its frames is written into LOCK, behind the owner's id, and a start compares. It is not synced,
// and need not be: what it says was synced before it was written, so after a power cut it says too
// little, never too much.

#include "handlers/queue/disk_health.h"
#include "handlers/queue/lock.h"
#include "handlers/queue/store_files.h"

#include <cstdint>
#include <optional>

namespace wxpush::queue {

struct WitnessedLog {
  std::uint64_t salts = 0;   // which log: each has its own
  std::uint64_t frames = 0;  // at least; 0: it may be empty, or gone
};
// Nothing where nobody wrote it, or it is damaged.
std::optional<WitnessedLog> read_witness(const StoreFiles& files);

class LogWitness {
 public:
  // All outlive it. The log is there.
  LogWitness(const StoreFiles& files, const Lock& lock);
  ~LogWitness();
  LogWitness(const LogWitness&) = delete;
  LogWitness& operator=(const LogWitness&) = delete;

  void saw(std::uint64_t frames) noexcept;  // after a commit

 private:
  const Lock& lock_;
  int log_;
};

// Before the log is cut off by us: that is synced, or a power cut might leave the old number beside
// the empty log, which would look cut off. False: that failed, and `health` knows; then the log
// must not be cut off.
bool expect_empty_log(const Lock& lock, Disk& disk, DiskHealth& health);

}  // namespace wxpush::queue
