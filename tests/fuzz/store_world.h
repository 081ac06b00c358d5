#pragma once
// The stores that store_fuzz.cpp changes, as a kill left them: half of the events in the database,
// half in the log, and something in every table.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/disk.h"
#include "handlers/queue/queue.h"
#include "tests/fuzz/store_damage.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

namespace wxpush::fuzz {

using Events = std::map<queue::RowId, queue::NewEvent>;

// Number n of those that are stored, from 1, which become its ids; or another one.
queue::NewEvent event_of(std::uint64_t n);
constexpr std::uint64_t stored_events = 26;

// The same on every run, and it does not stand still, so that nobody waits for ever.
class FixedDate final : public Clock {
 public:
  WallTime wall() const override { return WallTime{std::chrono::milliseconds{1'800'000'100'000}}; }
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

class StoreWorld {
 public:
  explicit StoreWorld(bool sealed);
  ~StoreWorld();
  StoreWorld(const StoreWorld&) = delete;
  StoreWorld& operator=(const StoreWorld&) = delete;

  // These bytes become the store in settings.directory, and nothing else is left there.
  void lay_out(const StoreBytes& store) const;
  // Blocks of the disk that all of it takes.
  std::uint64_t bytes_on_disk() const;

  FixedDate clock;
  queue::SystemDisk disk;
  NullLog log;
  queue::QueueSettings settings;
  std::filesystem::path saved;  // where a salvage may write to
  StoreBytes bytes;
  Events events;

 private:
  std::filesystem::path folder_;
};

}  // namespace wxpush::fuzz
