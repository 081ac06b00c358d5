#pragma once
// The directory that a store lies in: made if it is missing, judged by its file system, synced by
// us.

#include "handlers/base/log.h"
#include "handlers/queue/disk_health.h"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace wxpush::queue {

enum class FileSystemUse { fine, warned, refused };
struct FileSystemVerdict {
  FileSystemUse use = FileSystemUse::fine;
  std::string_view remark;
};
// By the magic number that statfs(2) reports. Network file systems are refused: SQLite's
// write-ahead log needs shared memory between its processes, and their locks and syncs promise less
// than a disk's.
FileSystemVerdict judge_file_system(std::uint32_t magic) noexcept;

// Makes the directory (0700) where it is missing, makes its name durable, and judges its file
// system. Throws StoreOpenError: 74 if a sync fails, 77 without permission, 78 if nothing can be
// stored there.
void prepare_directory(const std::filesystem::path& directory, Disk& disk, DiskHealth& health,
                       Log& log);

// Makes an empty file where there is none, its owner's alone whatever the umask and the directory:
// events name people. (SQLite gives the log and its index the database's mode.) A failure shows
// when the file is opened.
void make_private(const std::filesystem::path& file) noexcept;

// Makes the names in it durable. False: it failed, and `health` knows.
bool sync_directory(const std::filesystem::path& directory, Disk& disk, DiskHealth& health);

}  // namespace wxpush::queue
