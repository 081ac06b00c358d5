#include "handlers/queue/space.h"

#include <algorithm>
#include <sys/stat.h>

namespace wxpush::queue {
namespace {

// By stat(2), never by opening: closing a file drops the POSIX locks that SQLite holds on it in
// this process.
std::uint64_t size_of(const std::filesystem::path& file) {
  struct stat found {};
  return ::stat(file.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

// What must be free beyond a limit before it counts as kept again.
std::uint64_t margin(std::uint64_t limit) {
  return std::min<std::uint64_t>(limit / 64, 64U << 20);
}

}  // namespace

Space::Space(const QueueSettings& settings, const StoreFiles& files, Connection& connection,
             Disk& disk, Log& log)
    : settings_(settings),
      files_(files),
      disk_(disk),
      log_(log),
      reserve_(files.reserve, disk),
      free_pages_(connection, "PRAGMA freelist_count"),
      page_size_(static_cast<std::uint64_t>(connection.integer("PRAGMA page_size"))) {
  if (!reserve_.take()) become(SpaceState::full);
  measure();
}

void Space::measure() {
  wal_bytes_ = size_of(files_.wal);
  store_bytes_ = size_of(files_.database) + wal_bytes_ + size_of(files_.reserve);
  std::uint64_t inside = 0;
  {
    Rows rows = free_pages_.query();
    if (rows.next()) inside = rows.number(0) * page_size_;
  }
  const Disk::Space disk = disk_.space(files_.directory);
  free_bytes_ = disk.free;
  const std::uint64_t percent = static_cast<std::uint64_t>(settings_.max_size_percent);
  const std::uint64_t max_size =
      settings_.max_size != 0 ? settings_.max_size : disk.total / 100 * percent;
  const std::uint64_t used = store_bytes_ - std::min(inside, store_bytes_);
  const std::uint64_t over = pressed_ ? margin(max_size) : 0;
  const std::uint64_t above = pressed_ ? margin(settings_.min_free) : 0;
  pressed_ = used + over > max_size || free_bytes_ + inside < settings_.min_free + above;
}

// Room for the reserve alone would be full again with the next batch.
bool Space::room_returned() {
  if (!reserve_.take()) return false;
  if (disk_.space(files_.directory).free >= reserve_bytes) return true;
  reserve_.release();
  return false;
}

void Space::look() {
  measure();
  if (state_ == SpaceState::full) {
    if (room_returned()) become(pressed_ ? SpaceState::low : SpaceState::ok);
  } else if (state_ == SpaceState::low && !pressed_) {
    become(SpaceState::ok);
  }
}

void Space::found_full() {
  reserve_.release();
  become(SpaceState::full);
}

void Space::nothing_to_erase() {
  if (pressed_ && state_ == SpaceState::ok) become(SpaceState::low);
}

void Space::become(SpaceState state) {
  if (state == state_) return;
  state_ = state;
  switch (state) {
    case SpaceState::ok:
      log_.info("there is space for the store again", {{"free_bytes", free_bytes_}});
      break;
    case SpaceState::low:
      log_.warning(
          "the store is over max_size or min_free and may erase nothing more; pushes are held, "
          "then answered 503: free space, raise the limit, or let handlers catch up",
          {{"store_bytes", store_bytes_}, {"free_bytes", free_bytes_}});
      break;
    case SpaceState::full:
      log_.warning(
          "the disk is full; pushes are held, then answered 503, until there is space again",
          {{"store_bytes", store_bytes_}, {"free_bytes", free_bytes_}});
      break;
  }
}

}  // namespace wxpush::queue
