#pragma once
// What the store's own eyes on the disk have seen. SQLite does not report every failed sync to its
// caller (a failed sync of a directory, or of a checkpoint while closing, is dropped), so the VFS
// writes down each one here.
//
// Owned by whoever owns the connection: the opening thread, then the writer thread. Not
// thread-safe.

#include "handlers/queue/disk.h"

#include <array>
#include <cstdint>
#include <string>

namespace wxpush::queue {

// ENOSPC or EDQUOT: space may come back, nothing is damaged.
bool means_no_space(int error) noexcept;

class DiskHealth {
 public:
  struct Counts {
    std::uint64_t writes = 0;
    std::uint64_t syncs = 0;
  };

  void wrote(StoreFile file, std::uint64_t bytes) noexcept;
  void synced(StoreFile file) noexcept;
  // Without space it is remembered until take_full(); any other error is final.
  void write_failed(StoreFile file, int error);
  // Final, whatever the error: after a failed sync the kernel may have dropped what it could not
  // write, and a second sync that succeeds proves nothing.
  void sync_failed(StoreFile file, int error);
  // Final for any other reason. The first reason stays.
  void fail(const std::string& what);

  bool failed() const noexcept { return !failure_.empty(); }
  const std::string& failure() const noexcept { return failure_; }
  // Whether a write found no space since this was last asked.
  bool take_full() noexcept;
  const Counts& counts(StoreFile file) const noexcept;
  std::uint64_t bytes_written() const noexcept { return bytes_; }

 private:
  std::array<Counts, 6> counts_{};
  std::uint64_t bytes_ = 0;
  bool full_ = false;
  std::string failure_;
};

}  // namespace wxpush::queue
