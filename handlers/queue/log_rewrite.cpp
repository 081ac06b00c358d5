#include "handlers/queue/log_rewrite.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace wxpush::queue {
namespace {

constexpr std::size_t piece_bytes = 1U << 20;

int write_all(int descriptor, const char* bytes, std::size_t size, std::uint64_t at) {
  while (size > 0) {
    const ssize_t written = ::pwrite(descriptor, bytes, size, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : ENOSPC;
    bytes += written;
    size -= static_cast<std::size_t>(written);
    at += static_cast<std::uint64_t>(written);
  }
  return 0;
}

// False: it failed, and `health` knows. `size`: how much there was.
bool write_again(int descriptor, Disk& disk, DiskHealth& health, std::uint64_t& size) {
  std::vector<char> piece(piece_bytes);
  for (;;) {
    const ssize_t got = ::pread(descriptor, piece.data(), piece.size(), static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) health.fail("reading the write-ahead log of the store failed");
    if (got <= 0) return got == 0;
    const auto bytes = static_cast<std::size_t>(got);
    int error = disk.before_write(StoreFile::wal, size, bytes);
    if (error == 0) error = write_all(descriptor, piece.data(), bytes, size);
    if (error != 0) {
      health.write_failed(StoreFile::wal, error);
      return false;
    }
    health.wrote(StoreFile::wal, bytes);
    size += bytes;
  }
}

void sync(int descriptor, Disk& disk, DiskHealth& health) {
  int error = disk.before_sync(StoreFile::wal);
  if (error == 0 && ::fdatasync(descriptor) != 0) error = errno;
  if (error != 0) {
    health.sync_failed(StoreFile::wal, error);
  } else {
    health.synced(StoreFile::wal);
  }
}

}  // namespace

void rewrite_log(const std::filesystem::path& log, Disk& disk, DiskHealth& health) {
  const int descriptor = ::open(log.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {  // one that is there, and is not written again, proves nothing
    if (errno != ENOENT)
      health.fail("opening the write-ahead log of the store failed: " +
                  std::generic_category().message(errno));
    return;
  }
  std::uint64_t size = 0;
  if (write_again(descriptor, disk, health, size) && size > 0) sync(descriptor, disk, health);
  ::close(descriptor);
}

}  // namespace wxpush::queue
