#include "tests/fault/flipped_store.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/log_witness.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/wal_scan.h"
#include "tests/handlers/queue/sample_events.h"

#include <algorithm>
#include <fstream>
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

KnownLog known_log(const fs::path& directory) {
  const StoreFiles files(directory);
  std::ifstream log(files.wal, std::ios::binary);
  const wal::Scan found = wal::scan(log);
  const auto witness = read_witness(files);
  const std::uint64_t frames = witness && witness->salts == found.salts ? witness->frames : 0;
  KnownLog known{.bytes = frames == 0 ? 0 : wal::frame_at(frames)};
  for (std::size_t i = frames; i < found.frames.size(); ++i)
    known.commits_beyond += found.frames[i].whole && found.frames[i].commit ? 1U : 0U;
  return known;
}

std::string Damage::text() const {
  return kind + " of " + file + " at " + std::to_string(at) + " bit " + std::to_string(bit);
}

void apply(const Damage& damage, const fs::path& directory) {
  const fs::path file = directory / damage.file;
  if (damage.kind == "flip") {
    flip_bit(file, damage.at, damage.bit);
  } else if (damage.kind == "cut") {
    fs::resize_file(file, damage.at);
  } else {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(damage.at));
    const auto left = static_cast<std::size_t>(fs::file_size(file) - damage.at);
    bytes << std::string(std::min<std::size_t>(512, left), damage.bit % 2 == 0 ? '\0' : '\xA5');
  }
}

void read_content(Reader& reader, Content& content) {
  EventFilter filter;
  for (bool end = false; !end;) {
    Reader::Page page = reader.events(filter);
    for (StoredEvent& event : page.events) content.events[event.id] = std::move(event);
    filter.after = page.next_after;
    end = page.end;
  }
  std::ostringstream marks;
  std::ostringstream rest;
  for (const HandlerRecord& handler : reader.handlers()) {
    marks << handler.name << ' ' << handler.first << ' ' << handler.cursor;
    const LaneState lanes = reader.lane_state(handler.number, false);
    for (const RowId id : lanes.passed) marks << " passed " << id;
    for (const ListedEvent& retry : lanes.retries)
      marks << " retry " << retry.id << ' ' << retry.lane;
    for (const ShortHash lane : lanes.parked_lanes) marks << " parked " << lane;
    for (const DeadLetter& dead : reader.dead_letters(handler.number, 0)) {
      marks << " dead " << dead.id;
      rest << dead.id << ' ' << dead.attempts << ' ' << dead.error << '\n';
    }
  }
  for (const QuarantinedPush& push : reader.quarantined(0))
    rest << push.app << ' ' << push.timestamp << ' ' << push.nonce << ' ' << push.encrypt << '\n';
  for (const auto& [name, value] : reader.remembered("")) rest << name << ' ' << value << '\n';
  content.marks = marks.str();
  content.rest = rest.str();
}

Content content_of(Reader& reader) {
  Content content;
  read_content(reader, content);
  return content;
}

bool all_stored(const Content& found, const Content& stored) {
  return std::ranges::all_of(found.events, [&](const auto& one) {
    const auto was = stored.events.find(one.first);
    return was != stored.events.end() && same(one.second, was->second);
  });
}

Answer compare(const Content& found, const Content& stored) {
  const RowId last = found.events.empty() ? 0 : found.events.rbegin()->first;
  if (!all_stored(found, stored)) return Answer::wrong;
  const auto until = stored.events.upper_bound(last);
  if (static_cast<std::size_t>(std::distance(stored.events.begin(), until)) != found.events.size())
    return Answer::wrong;
  if (until != stored.events.end()) return Answer::older;
  const bool all = found.marks == stored.marks && found.rest == stored.rest;
  return all ? Answer::same : Answer::older;
}

}  // namespace wxpush::queue
