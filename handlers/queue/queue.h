#pragma once
// The durable queue: what was reported as stored is on the disk, whatever happens next.
// docs/store.md says what lies on the disk and why it is written in this order.
//
// Threads: every member function may be called from any thread. One writer thread owns the only
// connection that writes or checkpoints; callbacks run on it and must be short (post elsewhere what
// takes longer). Life cycle: open() → register_handler()… → start() → append()… → stop(); the
// destructor stops, too.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/body_cipher.h"
#include "handlers/queue/disk.h"
#include "handlers/queue/event_record.h"
#include "handlers/queue/incarnation.h"
#include "handlers/queue/lane_marks.h"
#include "handlers/queue/reader.h"
#include "handlers/queue/store_error.h"

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::queue {

enum class QueueError {
  overloaded = 1,  // append_queue or its bytes are full (overload)
  no_space,        // the disk or max_size is full; asked only where nothing may be held (transient)
  store_failed,    // final until the next start (permanent)
  stopped,         // the queue was stopped before this could be decided (transient)
};
const boost::system::error_category& queue_category() noexcept;
inline boost::system::error_code make_error_code(QueueError e) noexcept {
  return {static_cast<int>(e), queue_category()};
}

// Why a store could not be opened, or changed by whoever waits for it.
class StoreOpenError : public StoreError {
 public:
  using StoreError::StoreError;
};

struct QueueSettings {
  std::filesystem::path directory;
  std::chrono::seconds retention{std::chrono::hours{24 * 7}};
  std::chrono::seconds min_retention{std::chrono::hours{24}};
  std::uint64_t max_size = 0;  // bytes of store files; 0 = max_size_percent of the file system
  int max_size_percent = 80;
  std::uint64_t min_free = 0;  // bytes
  std::uint32_t append_queue = 8192;
  std::uint64_t append_queue_bytes = 64ULL << 20;
  std::uint64_t wal_checkpoint_pages = 4000;  // checkpoint between batches beyond this
  std::uint32_t recent_ids = 1U << 17;        // ids held in memory before the oldest half is filed
  std::uint32_t generation_ids = 1U << 19;    // ids of one generation of the filed index
  std::uint32_t batch_events = 512;           // at most, in one commit
  std::uint32_t quarantine_entries = 10'000;  // per ring
  std::uint64_t quarantine_bytes = 64ULL << 20;
  // Encryption of bodies at rest: the first seals, all of them open. Empty: bodies are stored as
  // they are. `random` outlives the queue, and is needed only where there is a key.
  std::vector<BodyKey> body_keys;
  crypto::Random* random = nullptr;
  // For an operator's command where no server runs: it is no start, handlers stay what they were.
  bool maintenance = false;
  // While another process has the store: waits a moment and says whether to ask again. None: 75 at
  // once.
  std::function<bool()> ask_again{};
};

struct Appended {
  boost::system::error_code error;  // set: not known to be durable
  bool duplicate =
      false;  // it was durable already, or became so in this very commit for another push
  RowId id = 0;
  std::uint32_t seen =
      1;  // pushes of this event so far (duplicates counted since the start, at least)
};
using AppendCallback = std::function<void(const Appended&)>;
// A push to be stored, and who is told.
struct Arrival {
  NewEvent event;
  AppendCallback done;
};

// What became of a handler that was to be forgotten. In part: it is still known, and some of what
// waited for it is gone; asked again, it goes on.
enum class Forgotten : std::uint8_t { unknown, in_part, whole };

// What became of events that were to be erased.
struct Erased {
  std::size_t done = 0;
  std::size_t undelivered = 0;  // refused: a handler waits for it, or has it as a dead letter
  std::size_t not_stored = 0;
  bool overwritten = true;  // false: a reader keeps the log from being emptied; it still holds them
};

enum class SpaceState {
  ok,
  low,
  full
};  // low: below min_free or above max_size; full: a write said so

struct QueueStatus {
  bool failed = false;  // final: exit 74
  std::string failure;  // what failed, for people
  SpaceState space = SpaceState::ok;
  bool append_queue_full = false;
  Incarnation incarnation = 0;
  std::optional<WallTime> restored_at;  // when this incarnation was restored from a backup
  RowId last_id = 0;                    // newest durable event
  std::uint64_t waiting = 0;            // pushes being held
  std::uint64_t store_bytes = 0, free_bytes = 0, wal_bytes = 0;
  std::uint64_t commits = 0, committed_events = 0;
  std::uint64_t quarantined = 0;   // entries now
  bool checkpoint_pinned = false;  // a reader kept the last checkpoint from finishing
  std::string body_key;            // the mark of the key that seals bodies; empty: none does
  bool resealing = false;          // bodies that another key sealed, or none, are being sealed anew
  WallTime retention_time{};       // now, by a clock that a step of the wall clock does not move
};

// What the queue tells about its work; called on the writer thread. For metrics and for waking the
// dispatcher.
struct QueueObserver {
  std::function<void(RowId last_id)> committed_events;  // new events became durable
  std::function<void(std::chrono::nanoseconds took, std::size_t events)> committed;  // one commit
  // Marks of this handler, up to this sequence, became durable.
  std::function<void(std::uint32_t handler, std::uint64_t sequence)> marked;
  std::function<void(const std::string& what)> failed;  // final failure, once
  // The callbacks of a batch were called: whoever carries answers elsewhere may do so with one
  // step.
  std::function<void()> answered;
};

class Queue {
 public:
  // Runs the whole start procedure (docs/store.md, "Start"): when it returns, everything recovered
  // is synced, the schema is current, and the store is ours alone. Throws StoreOpenError. `clock`,
  // `disk` and `log` outlive the queue.
  static std::unique_ptr<Queue> open(const QueueSettings& settings, Clock& clock, Disk& disk,
                                     Log& log);
  virtual ~Queue() = default;

  // A new handler begins after the newest event, or at the oldest one if `oldest`; a known one goes
  // on where it stood. `renamed_from`, if not empty and known, hands its place over. Marks made
  // before are durable, too, when it returns: nobody may go on to mark for one whose filters
  // change. Returns its record. Waits for the writer; durable when it returns. Throws
  // StoreOpenError if the disk fails or has no room. So do the next three.
  virtual HandlerRecord register_handler(const std::string& name,
                                         const std::vector<std::string>& apps,
                                         const std::vector<std::string>& events, bool oldest,
                                         const std::string& renamed_from) = 0;
  // Forgets a handler for which nothing waits, so that what comes later does not wait for it
  // either. One with dead letters stays, for their sake.
  // False, and nothing was done: events that it read already wait for it.
  virtual bool retire_handler(const std::string& name) = 0;
  // Forgets a handler, what waits for it, and its dead letters; in many small commits, as long as
  // `go_on` says so. Nobody marks for it any more.
  virtual Forgotten forget_handler(const std::string& name, const std::function<bool()>& go_on) = 0;
  // Erases these events before their retention is over; durable when it returns, and overwritten in
  // the files. Their ids stay known. `undelivered`: also what a handler waits for (one attempt may
  // be under way) or has as a dead letter.
  virtual Erased erase(const std::vector<RowId>& ids, bool undelivered) = 0;
  // All handlers the store knows. Those not registered since open() are orphaned.
  virtual std::vector<HandlerRecord> handlers() = 0;
  virtual bool empty() = 0;  // no event was ever stored

  virtual void start(QueueObserver observer) = 0;  // begins to write

  // Stores the event, or finds it stored. `done` is called exactly once, on the writer thread after
  // the commit returned (or at once, on the caller's thread, with overloaded, store_failed or
  // stopped). Without space the event is held until space returns; whoever asked stops waiting at
  // its own deadline, the append goes on.
  void append(NewEvent event, AppendCallback done) {
    std::vector<Arrival> one;
    one.push_back({std::move(event), std::move(done)});
    append(std::move(one));
  }
  // Several, each by itself, in this order.
  virtual void append(std::vector<Arrival> arrivals) = 0;

  // Keeps a push that could not be opened; dropped silently (but counted in the log) under
  // overload. The oldest of its ring make room.
  virtual void quarantine(QuarantinedPush push) = 0;
  virtual void remove_quarantined(std::vector<std::uint64_t> ids) = 0;

  // How far this handler came (lane_marks.h). Made durable whole, with the next batch, at the
  // latest 100 ms later; QueueObserver::marked tells. In rising order of sequence for each handler.
  virtual void mark(std::uint32_t handler_number, LaneMarks marks) = 0;
  // Everything up to `through` is settled, and nothing is listed.
  void settle(std::uint32_t handler_number, RowId through) {
    mark(handler_number, LaneMarks{.sequence = 0, .cursor = through, .changes = {}});
  }

  // Returns when all marks made before are durable, and with them what was handed over before to be
  // quarantined. Throws StoreOpenError if they cannot be: the disk fails or has no room.
  virtual void flush_marks() = 0;

  // Small facts that must outlive a restart but not a power cut (when a key was last used): written
  // with a later batch, at the latest 1 s later; dropped while there is no space. At most 1,024
  // names are kept, each name and value at most 256 bytes.
  virtual void remember(std::string name, std::string value) = 0;

  // A reader for one thread of this process: what Reader::open gives, but a search by order looks
  // at that order's rows alone, however many are not filed yet. Throws StoreOpenError.
  virtual std::unique_ptr<Reader> reader() = 0;

  virtual QueueStatus status() const = 0;

  // Decides everything waiting (commits it, or answers `stopped` where there is no space), makes
  // settles durable, checkpoints, closes. Idempotent.
  virtual void stop() = 0;
};

}  // namespace wxpush::queue

template <>
struct boost::system::is_error_code_enum<wxpush::queue::QueueError> : std::true_type {};
