#pragma once
// A disk that does what a test tells it: counts, fails, fills up, or stands still. Everything it
// lets through goes to the real one. Thread-safe.

#include "handlers/queue/disk.h"

#include <cerrno>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

namespace wxpush::queue {

class FakeDisk final : public Disk {
 public:
  // 0 lets the n-th operation (from 1, counted over all files since the last reset) go ahead; else
  // an errno.
  using Rule = std::function<int(std::uint64_t nth, StoreFile file)>;

  int before_write(StoreFile file, std::uint64_t, std::uint64_t) noexcept override {
    const std::lock_guard lock(mutex_);
    ++writes_;
    return on_write_ ? on_write_(writes_, file) : 0;
  }
  int before_sync(StoreFile file) noexcept override {
    std::unique_lock lock(mutex_);
    ++syncs_;
    if (hold_syncs_) {
      ++held_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !hold_syncs_; });
      --held_;
    }
    return on_sync_ ? on_sync_(syncs_, file) : 0;
  }
  Space space(const std::filesystem::path&) noexcept override {
    const std::lock_guard lock(mutex_);
    return space_;
  }

  void on_write(Rule rule) {
    const std::lock_guard lock(mutex_);
    on_write_ = std::move(rule);
    writes_ = 0;
  }
  void on_sync(Rule rule) {
    const std::lock_guard lock(mutex_);
    on_sync_ = std::move(rule);
    syncs_ = 0;
  }
  void set_space(Space space) {
    const std::lock_guard lock(mutex_);
    space_ = space;
  }
  std::uint64_t writes() {
    const std::lock_guard lock(mutex_);
    return writes_;
  }
  std::uint64_t syncs() {
    const std::lock_guard lock(mutex_);
    return syncs_;
  }

  void hold_syncs() {
    const std::lock_guard lock(mutex_);
    hold_syncs_ = true;
  }
  void wait_until_held() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_ > 0; });
  }
  void release_syncs() {
    const std::lock_guard lock(mutex_);
    hold_syncs_ = false;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Rule on_write_, on_sync_;
  std::uint64_t writes_ = 0, syncs_ = 0;
  Space space_{.total = 1ULL << 40, .free = 1ULL << 39};
  bool hold_syncs_ = false;
  int held_ = 0;
};

inline FakeDisk::Rule fail_nth(std::uint64_t n, int error) {
  return [=](std::uint64_t nth, StoreFile) { return nth == n ? error : 0; };
}
inline FakeDisk::Rule fail_from(std::uint64_t n, int error) {
  return [=](std::uint64_t nth, StoreFile) { return nth >= n ? error : 0; };
}

}  // namespace wxpush::queue
