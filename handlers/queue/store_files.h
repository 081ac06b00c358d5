#pragma once
// The files of a store, and the small conversions between values and columns that its tables share.
// What lies in them: docs/store.md.

#include "handlers/base/clock.h"

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

// Exit codes of StoreOpenError (queue.h), after sysexits.h.
constexpr int exit_bad_input = 65;  // what is to be made is there already, or cannot be made there
constexpr int exit_unavailable = 69;
constexpr int exit_store_failed = 74;
constexpr int exit_locked = 75;
constexpr int exit_no_permission = 77;
constexpr int exit_unusable = 78;

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
