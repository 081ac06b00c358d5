#pragma once
// One process at a time owns a store: flock on the file LOCK, which holds the owner's process id
// for people, and how long the log is (log_witness.h).

#include <filesystem>
#include <functional>

namespace wxpush::queue {

class Lock {
 public:
  // Throws StoreOpenError: 75 if another process has it (named) and keeps it for 200 ms, 77 without
  // permission, 74 otherwise.
  // While another process has it, `ask_again` (if there is one) is called, which waits a moment and
  // says whether to ask again.
  explicit Lock(const std::filesystem::path& file, const std::function<bool()>& ask_again = {});
  ~Lock();  // the file stays: removing it would let two processes lock two files of the same name
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// Whether a process has the lock of the store in this directory. Has it itself for an instant.
bool is_served(const std::filesystem::path& directory);

}  // namespace wxpush::queue
