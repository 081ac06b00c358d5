#include "handlers/queue/disk.h"

#include <sys/statvfs.h>

namespace wxpush::queue {

Disk::Space SystemDisk::space(const std::filesystem::path& directory) noexcept {
  struct statvfs found {};
  // Unknown counts as none: the store then holds pushes and says so, rather than filling a disk.
  if (::statvfs(directory.c_str(), &found) != 0) return {};
  return {.total = std::uint64_t{found.f_blocks} * found.f_frsize,
          .free = std::uint64_t{found.f_bavail} * found.f_frsize};
}

}  // namespace wxpush::queue
