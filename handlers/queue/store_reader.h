#pragma once
// The Reader over a read-only connection. Its statements are reused; each call resets what it used
// before it returns.

#include "handlers/queue/filed_index.h"
#include "handlers/queue/filed_orders.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/reader.h"
#include "handlers/queue/sqlite.h"

#include <memory>
#include <string_view>

namespace wxpush::queue {

// One consistent view over several statements, as short as the scope. Inside another one it is that
// one.
class Snapshot {
 public:
  explicit Snapshot(Connection& connection)
      : connection_(connection), outermost_(!connection.in_transaction()) {
    if (outermost_) connection_.execute("BEGIN");
  }
  ~Snapshot() {
    if (outermost_) connection_.roll_back();
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Connection& connection_;
  const bool outermost_;
};

class StoreReader final : public Reader {
 public:
  // With the memory of the process that writes a search by order looks at that order's rows alone.
  // Without, it scans the rows that are not filed yet, and looks into each generation.
  StoreReader(std::shared_ptr<Connection> connection, const std::vector<BodyKey>& body_keys,
              OrderMemory memory);

  Page events(const EventFilter& filter, std::size_t limit) override;
  std::optional<StoredEvent> find(RowId id) override;
  std::vector<RowId> find_by_event_id(const std::string& hex_prefix) override;
  std::vector<Delivery> deliveries(const StoredEvent& event) override;
  std::vector<HandlerRecord> handlers() override;
  LaneState lane_state(std::uint32_t handler, bool hold_on_dead) override;
  std::vector<RowId> parked(std::uint32_t handler, ShortHash lane, RowId after,
                            std::size_t limit) override;
  std::vector<DeadLetter> dead_letters(std::uint32_t handler, RowId after) override;
  std::uint64_t dead_count(std::uint32_t handler) override;
  bool any_replays(std::uint32_t handler) override;
  std::uint32_t replays(std::uint32_t handler, RowId id) override;
  RowId last_before(WallTime time, RowId after) override;
  RowId oldest_listed(std::uint32_t handler) override;
  std::uint64_t pending(const HandlerRecord& handler) override;
  std::uint64_t pending_up_to(const HandlerRecord& handler, RowId until) override;
  std::optional<WallTime> oldest_pending(const HandlerRecord& handler) override;
  std::vector<QuarantinedPush> quarantined(std::uint64_t after_id) override;
  std::vector<Repeat> repeats(std::uint64_t after_sequence) override;
  std::vector<std::pair<std::string, std::string>> remembered(
      const std::string& name_prefix) override;
  StoreFigures figures() override;
  RowId last_id() override;

 protected:
  void begin_view() override { connection_->execute("BEGIN"); }
  void end_view() noexcept override { connection_->roll_back(); }

 private:
  struct Unsettled {
    std::uint64_t count = 0;
    std::optional<WallTime> oldest;
  };
  void scan(const EventFilter& filter, std::size_t limit, RowId after, Page& page);
  bool try_order(const EventFilter& filter, std::size_t limit, Page& page);
  bool filed_of_order(const EventFilter& filter, std::size_t limit, RowId through, Page& page);
  std::vector<RowId> filed_with(std::int64_t low, std::int64_t high);
  StoredEvent read_row(const Rows& row) const;
  Delivery delivery(const HandlerRecord& handler, const StoredEvent& event);
  Unsettled unsettled(const HandlerRecord& handler, std::uint64_t stop_at, RowId until);

  std::shared_ptr<Connection> connection_;
  OrderMemory memory_;
  BodyCipher bodies_;
  Meta meta_;
  FiledIndex filed_;
  Statement scan_, find_, heads_, event_ids_;
  Statement dead_, retry_, settled_, parked_;
};

// Reader::open, with the memory of the process that writes. Throws StoreOpenError.
std::unique_ptr<Reader> open_reader(const std::filesystem::path& directory,
                                    const std::vector<BodyKey>& body_keys, OrderMemory memory);

}  // namespace wxpush::queue
