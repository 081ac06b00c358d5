#pragma once
// Read-only views of a store, beside the process that writes it or without one. Every call copies
// at most a page (500 rows or 1 MiB), resets its statement, and returns: between calls nothing is
// held, so a reader that is stopped or whose output blocks never pins the write-ahead log. Not
// thread-safe: one Reader a thread.

#include "handlers/queue/body_cipher.h"
#include "handlers/queue/event_record.h"
#include "handlers/queue/incarnation.h"
#include "handlers/queue/lane_marks.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::queue {

constexpr std::size_t page_rows = 500;
constexpr std::size_t page_bytes = std::size_t{1} << 20;

enum class DeliveryState : std::uint8_t { pending, delivered, dead };
struct Delivery {
  std::string handler;
  DeliveryState state = DeliveryState::pending;
  std::uint32_t attempts = 0;
  std::optional<WallTime> next_attempt;
  std::string last_error;
};

struct DeadLetter {
  RowId id = 0;
  ShortHash lane = 0;
  std::uint32_t attempts = 0;
  std::string error;
  WallTime died_at{};
};

struct EventFilter {
  RowId after = 0;          // only ids above this
  RowId until = 0;          // only ids up to this; 0 = no bound
  std::string app{};        // name; empty = all
  std::string type{};       // lower-case, trailing * allowed; empty = all
  std::string order_key{};  // exact printed form; empty = all. Uses the search by order.
  std::optional<WallTime> since{}, before{};  // received_at
};

struct StoreFigures {
  std::uint64_t events = 0;  // stored now
  RowId first_id = 0, last_id = 0;
  std::uint64_t quarantined = 0;
  int schema = 0;
  Incarnation incarnation = 0;
};

class Reader {
 public:
  // Throws StoreOpenError (queue.h): 69 if there is no store, 74 if it is damaged, 77 no
  // permission, 78 not a store or of another schema. `body_keys`: without them a read of a sealed
  // body throws BodyError. A read of a damaged page throws a StoreError, 74.
  static std::unique_ptr<Reader> open(const std::filesystem::path& directory,
                                      const std::vector<BodyKey>& body_keys);
  virtual ~Reader() = default;

  struct Page {
    std::vector<StoredEvent> events;  // in id order
    RowId next_after = 0;             // pass as `after` to go on; the filter may have skipped rows
    bool end = false;                 // nothing more now
  };
  // At most `limit` events and a page. One call looks at a bounded number of rows, so `events` may
  // be empty before `end`.
  virtual Page events(const EventFilter& filter, std::size_t limit = page_rows) = 0;
  virtual std::optional<StoredEvent> find(RowId id) = 0;
  // By event_id or a prefix of at least 8 hexadecimal digits; at most 2 ids, so that ambiguity
  // shows. (Scans in pages.)
  virtual std::vector<RowId> find_by_event_id(const std::string& hex_prefix) = 0;
  // One entry for each handler that asked for the event (by app, type and first id), or has it as a
  // dead letter.
  virtual std::vector<Delivery> deliveries(const StoredEvent& event) = 0;
  virtual std::vector<HandlerRecord> handlers() = 0;
  // Where a handler stands, for the one that goes on from there; `hold_on_dead`: with the lanes
  // that a dead letter stops.
  virtual LaneState lane_state(std::uint32_t handler, bool hold_on_dead) = 0;
  // Parked events of a lane above `after`, in id order.
  virtual std::vector<RowId> parked(std::uint32_t handler, ShortHash lane, RowId after,
                                    std::size_t limit) = 0;
  // Dead letters of a handler above `after`, a page, in id order; those discarded are left out.
  virtual std::vector<DeadLetter> dead_letters(std::uint32_t handler, RowId after) = 0;
  virtual std::uint64_t dead_count(std::uint32_t handler) = 0;
  // Whether any event was ever replayed for this handler, and how often this one was.
  virtual bool any_replays(std::uint32_t handler) = 0;
  virtual std::uint32_t replays(std::uint32_t handler, RowId id) = 0;
  // From `after` on, how far all events were received before `time`: up to the first younger one,
  // or a page of rows further. `after`: none.
  virtual RowId last_before(WallTime time, RowId after) = 0;
  // The lowest id among those listed as retry or parked; 0: none.
  virtual RowId oldest_listed(std::uint32_t handler) = 0;
  virtual std::uint64_t pending(
      const HandlerRecord&
          handler) = 0;  // events it asked for that are not settled; stops counting at 1,000,000
  // Of those, up to this id.
  virtual std::uint64_t pending_up_to(const HandlerRecord& handler, RowId until) = 0;
  virtual std::optional<WallTime> oldest_pending(const HandlerRecord& handler) = 0;  // received_at
  virtual std::vector<QuarantinedPush> quarantined(
      std::uint64_t after_id) = 0;                                        // a page, in id order
  virtual std::vector<Repeat> repeats(std::uint64_t after_sequence) = 0;  // a page, in order
  virtual std::vector<std::pair<std::string, std::string>> remembered(
      const std::string& name_prefix) = 0;
  virtual StoreFigures figures() = 0;
  virtual RowId last_id() = 0;

  // Many calls in a row are cheaper while one of these lives, since each sees the store as the one
  // before. It pins the write-ahead log: milliseconds, and nothing that may block. Not nested.
  class View {
   public:
    explicit View(Reader& reader) : reader_(reader) { reader_.begin_view(); }
    ~View() { reader_.end_view(); }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

   private:
    Reader& reader_;
  };

 protected:
  virtual void begin_view() {}
  virtual void end_view() noexcept {}
};

}  // namespace wxpush::queue
