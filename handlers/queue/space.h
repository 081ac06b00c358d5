#pragma once
// Whether there is room: the limits max_size and min_free, and what writes said. Pages that are
// free inside the database count as free, since the next events take them before the file grows;
// the file itself does not shrink. Owned by the writer thread.

#include "handlers/base/log.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/reserve.h"
#include "handlers/queue/sqlite.h"

namespace wxpush::queue {

class Space {
 public:
  Space(const QueueSettings& settings, const StoreFiles& files, Connection& connection, Disk& disk,
        Log& log);

  // ok: appends are stored. low: over a limit, and nothing more may be erased early. full: a write
  // said so, and the reserve could not be taken back yet.
  SpaceState state() const noexcept { return state_; }
  bool holding() const noexcept { return state_ != SpaceState::ok; }
  bool pressed() const noexcept { return pressed_; }  // over a limit: erase early

  void look();              // measures, and probes where it is full
  void found_full();        // a write found no space
  void nothing_to_erase();  // an early pass is over

  std::uint64_t store_bytes() const noexcept { return store_bytes_; }
  std::uint64_t free_bytes() const noexcept { return free_bytes_; }
  std::uint64_t wal_bytes() const noexcept { return wal_bytes_; }

 private:
  void measure();
  bool room_returned();
  void become(SpaceState state);

  QueueSettings settings_;
  StoreFiles files_;
  Disk& disk_;
  Log& log_;
  Reserve reserve_;
  Statement free_pages_;
  std::uint64_t page_size_;
  SpaceState state_ = SpaceState::ok;
  bool pressed_ = false;
  std::uint64_t store_bytes_ = 0, free_bytes_ = 0, wal_bytes_ = 0;
};

}  // namespace wxpush::queue
