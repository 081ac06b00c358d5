#pragma once
// A thin layer over SQLite's `unix` VFS: every write, truncation and sync asks Disk first, then
// goes ahead, and its outcome is written down in DiskHealth with its errno. After a final failure
// it refuses everything that changes a file, so that nothing can be committed on top of a failed
// sync.
//
// Each page of the database that is read is compared with its checksum (page_checksum.h).
//
// Each connection has one of its own. All of them share SQLite's table of open files, so the
// process's POSIX locks stay whole. (Nobody else may open and close the database file in this
// process.)

#include "handlers/queue/disk.h"
#include "handlers/queue/disk_health.h"

#include <memory>

namespace wxpush::queue {

struct VfsState;

// A page of zeros is a hole, or was damaged. Whoever writes may meet holes, and a copy does;
// whoever reads events does not.
enum class Zeros { pass, refuse };

class Vfs {
 public:
  // Registers itself with SQLite under a name of its own. `disk` and `health` outlive it.
  Vfs(Disk& disk, DiskHealth& health, Zeros zeros = Zeros::pass);
  ~Vfs();  // no connection that uses it may be open
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  const char* name() const noexcept;

 private:
  std::unique_ptr<VfsState> state_;
};

}  // namespace wxpush::queue
