#pragma once
// A copy of a store at one moment, beside the process that serves it or without one; and the way
// back. docs/store.md, "Copies".

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/disk.h"
#include "handlers/queue/store_check.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>

namespace wxpush::crypto {
class Random;
}

namespace wxpush::queue {

struct BackupPace {
  // Between two steps of 1 MiB it rests as long as the step took, so that half of the disk's time
  // is the server's: as long as the log, which cannot be written back meanwhile, is no longer than
  // this.
  std::uint64_t hurry_at_log_bytes = std::uint64_t{256} << 20;
  // Then it gives up.
  std::uint64_t most_log_bytes = std::uint64_t{8} << 30;
  std::function<void(std::chrono::nanoseconds)> rest;  // sleeps
};

// Writes `target`, which must not exist, whole or not at all: under another name, synced, checked,
// and then renamed. The report is that of the check. Throws StoreOpenError: as connect_to_read, and
// 65 if the target exists, 69 if the log grew too long, 74 if the store or what was written is
// damaged, or the disk fails. `body_keys`: for the check, which compares sealed bodies, too.
CheckReport back_up(const std::filesystem::path& store, const std::filesystem::path& target,
                    const std::vector<BodyKey>& body_keys, Clock& clock, Disk& disk,
                    const BackupPace& pace, const Progress& progress);

// Copies a backup (or the directory of a store that was stopped) into a store that holds nothing
// yet, checks the copy, gives it a new incarnation, and only then its name. Throws StoreOpenError:
// 65 if there is a store already, 69 if there is no backup, 74 if that is damaged, 75 if a process
// has the store, 77, 78.
CheckReport restore(const std::filesystem::path& backup, const std::filesystem::path& store,
                    const std::vector<BodyKey>& body_keys, Clock& clock, Disk& disk, Log& log,
                    crypto::Random& random, const Progress& progress);

}  // namespace wxpush::queue
