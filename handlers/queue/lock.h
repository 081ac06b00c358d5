#pragma once
// One process at a time owns a store: flock on the file LOCK, which holds the owner's process id
// for people, and how long the log is (log_witness.h).

#include <filesystem>

namespace wxpush::queue {

class Lock {
 public:
  // Throws StoreOpenError: 75 if another process has it (named), 77 without permission, 74
  // otherwise.
  explicit Lock(const std::filesystem::path& file);
  ~Lock();  // the file stays: removing it would let two processes lock two files of the same name
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_ = -1;
};

}  // namespace wxpush::queue
