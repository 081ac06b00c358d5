#pragma once
// A thin layer over SQLite's `unix` VFS: every write, truncation and sync asks Disk first, then
// goes ahead, and its outcome is written down in DiskHealth with its errno. After a final failure
// it refuses everything that changes a file, so that nothing can be committed on top of a failed
// sync.
//
// Only the writing connection uses it. Readers use the plain `unix` VFS; both share SQLite's table
// of open files, so the process's POSIX locks stay whole. (Nobody else may open and close the
// database file in this process.)

#include "handlers/queue/disk.h"
#include "handlers/queue/disk_health.h"

#include <memory>

namespace wxpush::queue {

struct VfsState;

class Vfs {
 public:
  // Registers itself with SQLite under a name of its own. `disk` and `health` outlive it.
  Vfs(Disk& disk, DiskHealth& health);
  ~Vfs();  // no connection that uses it may be open
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  const char* name() const noexcept;

 private:
  std::unique_ptr<VfsState> state_;
};

}  // namespace wxpush::queue
