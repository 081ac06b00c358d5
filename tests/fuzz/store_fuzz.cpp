// A store whose files were mutilated: it is refused, or it serves. Nothing crashes, nothing waits
// for ever, and what is served under an event's id is what was stored under it. The input: records
// of five bytes: what to do (and to which of the two files), where (24 bits), with what.
#include "handlers/event/event_id.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/store_queue.h"
#include "tests/fuzz/target.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

using namespace wxpush;
using namespace wxpush::queue;

namespace {

class NoLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  bool wants(LogLevel) const noexcept override { return false; }
};

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

NewEvent event_of(int number) {
  NewEvent event;
  event.app = "shop";
  event.appid = "wx1";
  event.type = "update_waybill_status";
  event.order_key = "wx1/s/o" + std::to_string(number % 4);
  event.kind = event::ContentKind::json;
  event.received_at = WallTime{std::chrono::milliseconds{1'800'000'000'000 + number}};
  event.body = "{\"n\":" + std::string(static_cast<std::size_t>(number) * 97, '1') + "}";
  event.event_id = event::make_event_id(event.appid, event.body);
  return event;
}

// A folder in memory, and the two files of a store as a kill left them: a part of it in the log.
class World {
 public:
  World() {
    char name[] = "/dev/shm/wxpush-fuzz-XXXXXX";
    fuzz::require(mkdtemp(name) != nullptr);
    folder_ = name;
    settings.directory = folder_ / "store";
    settings.max_size = 1ULL << 30;
    StoreQueue queue(settings, clock, disk, log);
    const auto handler = queue.register_handler("backend", {}, {}, true, "");
    queue.start({});
    for (int i = 0; i < 24; ++i) append(queue, event_of(i));
    LaneMarks marks{.sequence = 1, .cursor = 4, .changes = {}};
    marks.changes = {{.id = 5, .lane = 1, .place = EventPlace::retry, .attempts = 1},
                     {.id = 9, .lane = 1, .place = EventPlace::parked},
                     {.id = 6, .lane = 2, .place = EventPlace::dead, .attempts = 3, .error = "no"}};
    queue.mark(handler.number, marks);
    queue.quarantine({.app = "shop", .received_at = {}, .timestamp = "1", .encrypt = "AAAA"});
    queue.remember("key", "value");
    queue.flush_marks();
    const StoreFiles files(settings.directory);
    database = read(files.database);
    wal = read(files.wal);
  }
  ~World() { std::filesystem::remove_all(folder_); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  static Appended append(Queue& queue, NewEvent event) {
    std::promise<Appended> promise;
    auto future = promise.get_future();
    queue.append(std::move(event), [&](const Appended& done) { promise.set_value(done); });
    return future.get();
  }
  void lay_out(const std::string& changed_database, const std::string& changed_wal) const {
    std::filesystem::remove_all(settings.directory);
    std::filesystem::create_directory(settings.directory);
    const StoreFiles files(settings.directory);
    write(files.database, changed_database);
    write(files.wal, changed_wal);
  }

  QueueSettings settings;
  SystemClock clock;
  SystemDisk disk;
  NoLog log;
  std::string database, wal;

 private:
  std::filesystem::path folder_;
};

void mutilate(std::string& file, const std::uint8_t* record) {
  if (file.empty()) return;
  const std::size_t at =
      (std::size_t{record[1]} | std::size_t{record[2]} << 8U | std::size_t{record[3]} << 16U) %
      file.size();
  const std::uint8_t value = record[4];
  constexpr std::size_t page = 8192;
  const auto run = std::min<std::size_t>(1 + value * 64U, file.size() - at);
  switch (record[0] % 6) {
    case 0:
      file[at] = static_cast<char>(value);
      break;
    case 1:
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ (1U << value % 8U));
      break;
    case 2:
      file.replace(at, run, run, '\0');
      break;
    case 3:  // one page in the place of another
      file.replace(at / page * page, page,
                   file.substr(value % (file.size() / page + 1) * page, page));
      break;
    case 4:
      file.resize(at);
      break;
    default:
      file.replace(at, run, file.substr(0, run));
  }
}

// By what an event is called: whoever has the name has the bytes.
void check_event(const StoredEvent& event) {
  static const auto stored = [] {
    std::map<event::EventId, std::string> all;
    for (int i = 0; i < 25; ++i) all.emplace(event_of(i).event_id, event_of(i).body);
    return all;
  }();
  if (event::make_event_id(event.appid, event.body) != event.event_id) return;
  const auto found = stored.find(event.event_id);
  fuzz::require(found != stored.end() && found->second == event.body);
}

template <class Body>
void tolerantly(const Body& body) {
  try {
    body();
  } catch (const std::runtime_error&) {  // refused, with a reason
  }
}

void look_at_everything(Reader& reader) {
  EventFilter filter;
  for (bool end = false; !end;) {
    const auto page = reader.events(filter);
    for (const auto& event : page.events) {
      check_event(event);
      reader.deliveries(event);
    }
    fuzz::require(page.end || page.next_after > filter.after);  // it comes to an end
    filter.after = page.next_after;
    end = page.end;
  }
  reader.events({.order_key = "wx1/s/o1"});
  reader.find_by_event_id(event::to_string(event_of(3).event_id));
  for (const auto& handler : reader.handlers()) {
    reader.lane_state(handler.number, true);
    reader.dead_letters(handler.number, 0);
    reader.parked(handler.number, 1, 0, 10);
    reader.pending(handler);
    reader.oldest_pending(handler);
  }
  reader.quarantined(0);
  reader.repeats(0);
  reader.remembered("");
  reader.figures();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  std::string database = world.database;
  std::string wal = world.wal;
  for (std::size_t i = 0; i + 5 <= size && i < 80; i += 5)
    mutilate(data[i] & 0x80U ? wal : database, data + i);
  world.lay_out(database, wal);
  tolerantly([] { look_at_everything(*Reader::open(world.settings.directory, {})); });
  tolerantly([] {
    std::atomic<int> decided{0};
    StoreQueue queue(world.settings, world.clock, world.disk, world.log);
    queue.start({});
    for (const int number : {3, 24})
      queue.append(event_of(number), [&](const auto&) { ++decided; });
    tolerantly([&] { look_at_everything(*queue.reader()); });
    queue.stop();
    fuzz::require(decided == 2);
  });
  return 0;
}
