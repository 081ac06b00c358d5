// Storing events: so many appended at once, until all of them are durable, in a fresh store below
// the current directory, with real syncs. The time is the disk's as well; the processor time is
// that of all threads.

#include "handlers/queue/queue.h"

#include <atomic>
#include <benchmark/benchmark.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace wxpush::bench {
namespace {

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

class Directory {
 public:
  Directory() {
    std::string name = "queue-bench-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory can be made here");
    path_ = std::filesystem::absolute(name);
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void append(benchmark::State& state) {
  const auto at_once = static_cast<std::size_t>(state.range(0));
  const Directory directory;
  queue::QueueSettings settings;
  settings.directory = directory.path() / "store";
  SystemClock clock;
  queue::SystemDisk disk;
  NullLog log;
  const auto queue = queue::Queue::open(settings, clock, disk, log);
  queue->start({});
  std::uint64_t number = 0;
  std::atomic<std::size_t> waiting = 0;
  std::atomic<bool> failed = false;
  for ([[maybe_unused]] auto _ : state) {
    waiting = at_once;
    std::vector<queue::Arrival> arrivals;
    arrivals.reserve(at_once);
    for (std::size_t i = 0; i < at_once; ++i) {
      arrivals.push_back({event_number(number++), [&](const queue::Appended& result) {
                            if (result.error || result.duplicate) failed = true;
                            if (waiting.fetch_sub(1) == 1) waiting.notify_one();
                          }});
    }
    queue->append(std::move(arrivals));
    while (const std::size_t left = waiting) waiting.wait(left);
  }
  queue->stop();
  if (failed) state.SkipWithError("an event was not stored");
  state.SetItemsProcessed(static_cast<std::int64_t>(number));
}
BENCHMARK(append)->Arg(1)->Arg(8)->Arg(64)->Arg(512)->UseRealTime()->MeasureProcessCPUTime()->Unit(
    benchmark::kMicrosecond);

}  // namespace
}  // namespace wxpush::bench
