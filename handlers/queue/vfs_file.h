#pragma once
// One open file as the VFS gives it to SQLite: ours in front, that of the `unix` VFS behind it.
// Only for vfs*.cpp, since it needs sqlite3.h.

#include "handlers/queue/disk.h"
#include "handlers/queue/disk_health.h"

#include <sqlite3.h>

namespace wxpush::queue {

// SQLite allocates szOsFile bytes per file: ours first, the real one's behind it.
struct ShimFile {
  sqlite3_file base;
  Disk* disk;
  DiskHealth* health;
  StoreFile role;
  bool checked;     // its pages carry checksums (page_checksum.h)
  bool zeros_pass;  // vfs.h
  const char*
      unsynced_name;  // its path, until its first sync made its name durable, too; else null
};
static_assert(sizeof(ShimFile) % alignof(void*) == 0);

inline ShimFile& shim(sqlite3_file* file) {
  return *reinterpret_cast<ShimFile*>(file);
}
inline sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<ShimFile*>(file) + 1);
}

// Whether this database, just opened, has checksums; a file without a first page has none yet.
bool database_has_checksums(sqlite3_file* file);

// What SQLite may do with such a file.
const sqlite3_io_methods& shim_methods() noexcept;

}  // namespace wxpush::queue
