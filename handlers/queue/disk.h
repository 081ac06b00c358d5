#pragma once
// What the store asks of the operating system beside SQLite, passed in so that tests can make it
// slow, full or broken. Every call names a file of the store by its role.

#include <cstdint>
#include <filesystem>

namespace wxpush::queue {

enum class StoreFile { database, wal, shared_memory, directory, reserve, other };

class Disk {
 public:
  virtual ~Disk() = default;
  // Asked before the real operation; answers 0 to let it go ahead or an errno to fail it. May
  // block. Called on the thread that does the operation.
  virtual int before_write(StoreFile file, std::uint64_t offset, std::uint64_t size) noexcept = 0;
  virtual int before_sync(StoreFile file) noexcept = 0;
  struct Space {
    std::uint64_t total = 0;  // bytes of the file system
    std::uint64_t free = 0;   // available to us
  };
  virtual Space space(const std::filesystem::path& directory) noexcept = 0;
};

// The real one: lets everything go ahead.
class SystemDisk final : public Disk {
 public:
  int before_write(StoreFile, std::uint64_t, std::uint64_t) noexcept override { return 0; }
  int before_sync(StoreFile) noexcept override { return 0; }
  Space space(const std::filesystem::path& directory) noexcept override;
};

}  // namespace wxpush::queue
