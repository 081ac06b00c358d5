#pragma once
// What a start does to the log before it trusts it.

#include "handlers/queue/disk.h"
#include "handlers/queue/disk_health.h"

#include <filesystem>

namespace wxpush::queue {

// Writes the log's own bytes over it and syncs it. After a sync that failed, the kernel may have
// marked clean what it could not write: such bytes are read back like any others, no later sync
// writes them, and they are gone when the power goes. A checkpoint of them would change the
// database in place with nothing on the disk to repair it by. Written once more they are dirty, and
// the sync means something. Where they were on the disk already, nothing changes there.
// By the owner of the store, before its first checkpoint. A failure shows in `health`; without a
// log there is nothing to do.
void rewrite_log(const std::filesystem::path& log, Disk& disk, DiskHealth& health);

}  // namespace wxpush::queue
