#pragma once
// The files of a store, and the small conversions between values and columns that its tables share.
// What lies in them: docs/store.md.

#include "handlers/base/clock.h"
#include "handlers/queue/store_error.h"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace wxpush::queue {

struct StoreFiles {
  explicit StoreFiles(const std::filesystem::path& place)
      : directory(place),
        database(place / "queue.db"),
        wal(place / "queue.db-wal"),
        lock(place / "LOCK"),
        reserve(place / "reserve") {}
  std::filesystem::path directory, database, wal, lock, reserve;
};

// "wxpu": says whose SQLite file this is.
constexpr std::int64_t store_application_id = 0x77787075;
constexpr std::uint64_t reserve_bytes = 8ULL << 20;

inline std::int64_t stored(WallTime time) noexcept {
  return time.time_since_epoch().count();
}
inline std::optional<std::int64_t> stored(const std::optional<WallTime>& time) noexcept {
  return time ? std::optional(stored(*time)) : std::nullopt;
}
inline WallTime wall_time(std::int64_t milliseconds) noexcept {
  return WallTime{std::chrono::milliseconds{milliseconds}};
}

}  // namespace wxpush::queue
