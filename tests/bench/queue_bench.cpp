// What storing an event costs in processor time: 200,000 events (or argv[1]) at 1, 64 and 512 per
// commit, into a fresh store below the current directory (or argv[2]), with real syncs. The queue
// is kept full, so that every commit but the last has its full size. Prints microseconds per event
// of the writer's and the caller's thread together, and events per second, which is mostly the
// disk's.

#include "handlers/queue/queue.h"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <sys/resource.h>

namespace {

using namespace wxpush;

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

queue::NewEvent event_number(std::uint64_t n) {
  queue::NewEvent event;
  // Uniform, as a digest is.
  std::uint64_t state = n + 1;
  for (std::size_t i = 0; i < event.event_id.bytes.size(); i += 8) {
    state += 0x9e3779b97f4a7c15ULL;
    std::uint64_t mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
    for (std::size_t j = 0; j < 8; ++j) {
      event.event_id.bytes[i + j] = static_cast<std::uint8_t>(mixed >> (8 * j));
    }
  }
  event.app = "shop";
  event.appid = "wx0123456789abcdef";
  event.type = "update_waybill_status";
  event.order_key = "wx0123456789abcdef/shop-1/order-" + std::to_string(state % 50'000);
  event.kind = event::ContentKind::json;
  event.received_at = SystemClock{}.wall();
  event.body.assign(420, 'x');
  return event;
}

void run(std::uint64_t events, std::uint32_t per_commit, const std::filesystem::path& below) {
  queue::QueueSettings settings;
  settings.directory = below / ("queue-bench-" + std::to_string(per_commit));
  std::filesystem::remove_all(settings.directory);
  settings.batch_events = per_commit;
  SystemClock clock;
  queue::SystemDisk disk;
  NullLog log;
  const auto queue = queue::Queue::open(settings, clock, disk, log);
  queue->start({});

  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  const double processor_before = processor_seconds();
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t n = 0; n < events; ++n) {
    if (n % 1024 == 0) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return n - done <= 4096; });
    }
    queue->append(event_number(n), [&](const queue::Appended& result) {
      const std::lock_guard lock(mutex);
      ++done;
      if (result.error) ++failed;
      if (done % 1024 == 0 || done == events) changed.notify_one();
    });
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done == events; });
  }
  const double processor = processor_seconds() - processor_before;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
  const auto count = static_cast<double>(events);
  std::printf("%4u per commit: %6.2f us processor time per event, %8.0f events/s, %llu failed\n",
              per_commit, processor / count * 1e6, count / elapsed.count(),
              static_cast<unsigned long long>(failed));
  queue->stop();
  std::filesystem::remove_all(settings.directory);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
  const std::filesystem::path below = argc > 2 ? argv[2] : ".";
  for (const std::uint32_t per_commit : std::array<std::uint32_t, 3>{1, 64, 512}) {
    run(events, per_commit, below);
  }
  return 0;
}
