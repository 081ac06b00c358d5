#include "tests/fuzz/store_world.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/hashes.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/store_queue.h"
#include "tests/fuzz/target.h"
#include "tests/handlers/queue/sample_events.h"

#include <fcntl.h>
#include <fstream>
#include <future>
#include <iterator>
#include <span>
#include <sys/stat.h>
#include <unistd.h>

using namespace wxpush::queue;

namespace wxpush::fuzz {
namespace {

namespace fs = std::filesystem;

// So that what is found in a sealed store is found again by the next process.
class Counting final : public crypto::Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 1;
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Over what is there: its pages in memory are used again, which is faster than new ones.
void write(const fs::path& path, const std::string& bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  require(file >= 0);
  require(::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  require(::ftruncate(file, static_cast<off_t>(bytes.size())) == 0);
  ::close(file);
}

void append(Queue& queue, NewEvent event) {
  std::promise<Appended> promise;
  queue.append(std::move(event), [&](const Appended& done) { promise.set_value(done); });
  require(!promise.get_future().get().error);
}

LaneMarks marks_of(RowId cursor, EventPlace first, EventPlace second, EventPlace third) {
  LaneMarks marks{.sequence = cursor, .cursor = cursor, .changes = {}};
  const auto change = [&](RowId id, EventPlace place) {
    const NewEvent event = event_of(id);
    marks.changes.push_back({.id = id,
                             .lane = lane_of(event.event_id, event.order_key),
                             .place = place,
                             .attempts = 3,
                             .error = "503"});
  };
  change(cursor - 2, first);
  change(cursor + 1, second);
  change(cursor + 2, third);
  return marks;
}

void fill(StoreQueue& queue, std::uint64_t first, std::uint64_t last) {
  const auto handler = queue.register_handler("backend", {}, {}, true, "");
  queue.start({});
  for (std::uint64_t n = first; n <= last; ++n) append(queue, event_of(n));
  append(queue, event_of(first));  // a repeat
  queue.mark(handler.number,
             marks_of(first + 4, EventPlace::retry, EventPlace::parked, EventPlace::dead));
  queue.quarantine({.app = "shop", .received_at = {}, .timestamp = "1", .encrypt = "AAAA"});
  queue.remember("key", "value");
  queue.flush_marks();
  queue.wait_until_idle();  // ids are filed between commits
}

}  // namespace

NewEvent event_of(std::uint64_t n) {
  // Some share an order, some overflow their page.
  const std::string order =
      "A" + std::to_string(n % 4) + (n % 9 == 0 ? std::string(9000, 'x') : std::string());
  NewEvent event = genuine(n, order);
  event.received_at =
      WallTime{std::chrono::milliseconds{1'800'000'000'000 + static_cast<std::int64_t>(n)}};
  return event;
}

StoreWorld::StoreWorld(bool sealed) {
  static Counting random;
  char name[] = "/dev/shm/wxpush-fuzz-XXXXXX";
  require(mkdtemp(name) != nullptr);
  folder_ = name;
  saved = folder_ / "saved";
  settings.directory = folder_ / "store";
  settings.max_size = 1ULL << 30;
  settings.recent_ids = 8;  // so that ids are filed, in more than one generation
  settings.generation_ids = 12;
  settings.random = &random;
  if (sealed) settings.body_keys = {BodyKey(std::string(BodyKey::size, 'k'))};
  // In the place of 8 MiB of zeros, which would be most of the work: it does without.
  fs::create_directories(settings.directory / "reserve");
  {
    StoreQueue stopped(settings, clock, disk, log);
    fill(stopped, 1, stored_events / 2);
  }
  StoreQueue killed(settings, clock, disk, log);
  fill(killed, stored_events / 2 + 1, stored_events);
  const StoreFiles files(settings.directory);
  bytes = {.database = read(files.database), .log = read(files.wal), .lock = read(files.lock)};
  for (std::uint64_t n = 1; n <= stored_events; ++n) events[n] = event_of(n);
}

StoreWorld::~StoreWorld() {
  fs::remove_all(folder_);
}

void StoreWorld::lay_out(const StoreBytes& store) const {
  const StoreFiles files(settings.directory);
  write(files.database, store.database);
  write(files.wal, store.log);
  write(files.lock, store.lock);
  for (const auto& entry : fs::directory_iterator(files.directory)) {
    const fs::path& path = entry.path();
    if (path != files.database && path != files.wal && path != files.lock && path != files.reserve)
      fs::remove_all(path);
  }
}

std::uint64_t StoreWorld::bytes_on_disk() const {
  std::uint64_t blocks = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    struct stat found {};
    if (::stat(entry.path().c_str(), &found) == 0)
      blocks += static_cast<std::uint64_t>(found.st_blocks);
  }
  return blocks * 512;
}

}  // namespace wxpush::fuzz
