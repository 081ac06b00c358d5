#pragma once
// Directories that appear whole under their name, or not at all.

#include "handlers/queue/disk.h"
#include "handlers/queue/start.h"
#include "handlers/queue/store_check.h"

#include <filesystem>

namespace wxpush::queue {

// A directory beside `target` (0700) that is removed with what is in it, unless it got its name.
class UnfinishedDirectory {
 public:
  // Throws StoreOpenError: 65 if `target` exists, 77 or 78 if nothing can be made there.
  explicit UnfinishedDirectory(const std::filesystem::path& target);
  ~UnfinishedDirectory();
  UnfinishedDirectory(const UnfinishedDirectory&) = delete;
  UnfinishedDirectory& operator=(const UnfinishedDirectory&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  // Syncs the names in it, gives it its name, never in another's place, and syncs that. Throws
  // StoreOpenError.
  void finish(Disk& disk);

 private:
  std::filesystem::path target_, path_;
  bool finished_ = false;
};

// Copies a file, 0600, and syncs it. Throws StoreOpenError 74.
void copy_synced(const std::filesystem::path& from, const std::filesystem::path& to);
// Syncs a directory. Throws StoreOpenError 74.
void sync_names(const std::filesystem::path& directory, Disk& disk);
// What SQLite leaves beside a database that was only read: an empty log, and its index.
void remove_empty_log(const std::filesystem::path& directory);

// Checks a copy. Throws StoreOpenError 74 if it is damaged.
CheckReport check_copy(const std::filesystem::path& copy, const std::vector<BodyKey>& body_keys,
                       const Progress& progress);
// Everything into the database and synced; the log is empty then. Throws StoreOpenError 74.
void write_back(OpenedStore& store);

}  // namespace wxpush::queue
