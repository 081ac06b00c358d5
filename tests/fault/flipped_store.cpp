#include "tests/fault/flipped_store.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/store_files.h"
#include "tests/handlers/queue/sample_events.h"

#include <future>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace wxpush::queue {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t made_events = 320;

NewEvent made_event(std::uint64_t n, WallTime now) {
  // Every twentieth overflows its page.
  const std::string order = "A" + std::to_string(n % 11) +
                            (n % 20 == 0 ? std::string(9000 + 100 * n, 'x') : std::string());
  NewEvent event = genuine(n, order);
  event.received_at = now;
  return event;
}

LaneChange change(std::uint64_t n, EventPlace place) {
  const NewEvent event = made_event(n, {});
  return {.id = n,
          .lane = lane_of(event.event_id, event.order_key),
          .place = place,
          .attempts = 3,
          .error = "503"};
}

void fill(Queue& queue, WallTime now) {
  const HandlerRecord handler = queue.register_handler("backend", {}, {}, true, "");
  queue.start({});
  for (std::uint64_t n = 1; n <= made_events; ++n) {
    append(queue, made_event(n, now));
    if (n != 250) continue;
    queue.mark(handler.number, {1,
                                200,
                                {change(3, EventPlace::retry), change(14, EventPlace::parked),
                                 change(5, EventPlace::dead), change(230, EventPlace::settled)}});
    queue.remember("key/shop/default", "1");
    queue.quarantine({.app = "shop",
                      .received_at = now,
                      .timestamp = "1",
                      .nonce = "2",
                      .msg_signature = "3",
                      .encrypt = std::string(3000, 'y')});
    queue.flush_marks();
  }
}

// As it would be if the process were killed now.
void copy_files(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const char* name : {"queue.db", "queue.db-wal", "queue.db-shm", "LOCK", "reserve"})
    fs::copy_file(from / name, to / name);
}

}  // namespace

std::vector<BodyKey> keys_of(const fs::path& directory) {
  if (directory.filename().string().find("sealed") == std::string::npos) return {};
  return {BodyKey(std::string(BodyKey::size, 'k'))};
}

QueueSettings settings_of(const fs::path& directory) {
  static crypto::SystemRandom random;
  QueueSettings settings;
  settings.body_keys = keys_of(directory);
  settings.random = &random;
  settings.directory = directory;
  settings.recent_ids = 64;
  settings.generation_ids = 100;
  settings.wal_checkpoint_pages = 600;
  return settings;
}

bool append(Queue& queue, const NewEvent& event) {
  const auto done = std::make_shared<std::promise<Appended>>();
  auto future = done->get_future();
  queue.append(event, [done](const Appended& appended) { done->set_value(appended); });
  const Appended appended = future.get();
  if (appended.error) throw std::runtime_error("not stored: " + appended.error.message());
  return appended.duplicate;
}

void make_stores(const fs::path& directory) {
  SystemClock clock;
  SystemDisk disk;
  NullLog log;
  for (const std::string name : {"plain", "sealed"}) {
    const fs::path stopped = directory / (name + "-stopped");
    const auto queue = Queue::open(settings_of(stopped), clock, disk, log);
    fill(*queue, clock.wall());
    copy_files(stopped, directory / (name + "-killed"));
    queue->stop();
  }
}

bool same(const StoredEvent& one, const StoredEvent& other) {
  return one.event_id == other.event_id && one.body == other.body && one.app == other.app &&
         one.appid == other.appid && one.type == other.type && one.order_key == other.order_key &&
         one.kind == other.kind && one.received_at == other.received_at &&
         one.event_time == other.event_time;
}

Content content_of(Reader& reader) {
  Content content;
  EventFilter filter;
  for (bool end = false; !end;) {
    Reader::Page page = reader.events(filter);
    for (StoredEvent& event : page.events) content.events[event.id] = std::move(event);
    filter.after = page.next_after;
    end = page.end;
  }
  std::ostringstream marks;
  for (const HandlerRecord& handler : reader.handlers()) {
    marks << handler.name << ' ' << handler.first << ' ' << handler.cursor;
    const LaneState lanes = reader.lane_state(handler.number, false);
    for (const RowId id : lanes.passed) marks << " passed " << id;
    for (const ListedEvent& retry : lanes.retries)
      marks << " retry " << retry.id << ' ' << retry.lane;
    for (const ShortHash lane : lanes.parked_lanes) marks << " parked " << lane;
    for (const DeadLetter& dead : reader.dead_letters(handler.number, 0))
      marks << " dead " << dead.id;
  }
  content.marks = marks.str();
  return content;
}

Answer compare(const Content& found, const Content& stored) {
  const RowId last = found.events.empty() ? 0 : found.events.rbegin()->first;
  for (const auto& [id, event] : found.events) {
    const auto was = stored.events.find(id);
    if (was == stored.events.end() || !same(event, was->second)) return Answer::wrong;
  }
  const auto until = stored.events.upper_bound(last);
  if (static_cast<std::size_t>(std::distance(stored.events.begin(), until)) != found.events.size())
    return Answer::wrong;
  if (until != stored.events.end()) return Answer::older;
  return found.marks == stored.marks ? Answer::same : Answer::older;
}

}  // namespace wxpush::queue
