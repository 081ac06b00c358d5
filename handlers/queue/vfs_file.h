#pragma once
// One open file as the VFS gives it to SQLite: ours in front, that of the `unix` VFS behind it.
// Only for vfs*.cpp, since it needs sqlite3.h.

#include "handlers/queue/disk.h"
#include "handlers/queue/disk_health.h"

#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <optional>

namespace wxpush::queue {

// What SQLite wrote to the log and the file has not been given yet: writes that follow on each
// other go to it together, with the frame that ends their commit at the latest, and before the file
// is read, measured, cut or synced. Only the log's: a checkpoint tells readers of pages in the
// database that it has not synced, if one of them keeps it from being complete.
struct GatheredWrites {
  // The pages of most commits. SQLite's `unix` VFS takes less than 128 KiB in one call.
  std::array<unsigned char, std::size_t{120} << 10> bytes;
  std::size_t size;
  sqlite3_int64 at;  // in the file
  bool ends_commit;  // the page that comes next does
  // Where writes begin that the file did not take, maybe with an error to a call that was no write:
  // until they are made anew from there on, nothing is written behind them.
  std::optional<sqlite3_int64> lost_at;
};

// SQLite allocates szOsFile bytes per file: ours first, the real one's behind it.
struct ShimFile {
  sqlite3_file base;
  Disk* disk;
  DiskHealth* health;
  StoreFile role;
  bool checked;     // its pages carry checksums (page_checksum.h)
  bool zeros_pass;  // vfs.h
  const char*
      unsynced_name;         // its path, until its first sync made its name durable, too; else null
  GatheredWrites* gathered;  // its own, from x_open to x_close; null: not gathered
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
