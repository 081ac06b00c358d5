#pragma once
// How much of large request bodies is held in memory, all connections together. They are held
// before anybody has proved who he is, and 20,000 connections with a body of 1 MiB each would
// otherwise be 20 GB. What every connection may hold anyway is not counted, so that whoever fills
// this keeps out nobody but other large bodies: a push has 1 or 2 KiB. One that says how long it
// will be has its place from the first counted byte on: else those that come side by side would
// share the room bit by bit, and none would come to its end. Thread-safe.

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace wxpush::server {

class LargeBodies {
 public:
  static constexpr std::uint64_t not_counted = 16ULL * 1024;

  explicit LargeBodies(std::uint64_t most) : most_(most) {}

  // Of one connection; by its thread alone.
  class Share {
   public:
    explicit Share(LargeBodies& all) : all_(all) {}
    ~Share() { let_go(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // Whether a body may be held of which so many bytes are here, and so many will be (0: nobody
    // said). It does not shrink before let_go().
    bool hold(std::uint64_t bytes, std::uint64_t promised = 0) {
      const std::uint64_t counted = bytes > not_counted ? std::max(bytes, promised) : 0;
      if (counted <= held_) return true;
      if (!all_.take(counted - held_)) return false;
      held_ = counted;
      return true;
    }
    void let_go() {
      if (held_ != 0) all_.held_ -= held_;
      held_ = 0;
    }

   private:
    LargeBodies& all_;
    std::uint64_t held_ = 0;
  };

  std::uint64_t held() const noexcept { return held_; }

 private:
  bool take(std::uint64_t bytes) {
    if (held_.fetch_add(bytes) + bytes <= most_) return true;
    held_ -= bytes;
    return false;
  }

  const std::uint64_t most_;
  std::atomic<std::uint64_t> held_{0};
};

}  // namespace wxpush::server
