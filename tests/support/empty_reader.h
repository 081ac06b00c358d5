#pragma once
// The base of every Reader that a test makes up.

#include "handlers/queue/reader.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::test {

// A store without anything in it; what a test is about overrides the rest.
class EmptyReader : public queue::Reader {
 public:
  Page events(const queue::EventFilter&, std::size_t) override { return {{}, 0, true}; }
  std::optional<queue::StoredEvent> find(queue::RowId) override { return std::nullopt; }
  std::vector<queue::RowId> find_by_event_id(const std::string&) override { return {}; }
  std::vector<queue::Delivery> deliveries(const queue::StoredEvent&) override { return {}; }
  std::vector<queue::HandlerRecord> handlers() override { return {}; }
  queue::LaneState lane_state(std::uint32_t, bool) override { return {}; }
  std::vector<queue::RowId> parked(std::uint32_t, queue::ShortHash, queue::RowId,
                                   std::size_t) override {
    return {};
  }
  std::vector<queue::DeadLetter> dead_letters(std::uint32_t, queue::RowId) override { return {}; }
  std::uint64_t dead_count(std::uint32_t) override { return 0; }
  bool any_replays(std::uint32_t) override { return false; }
  std::uint32_t replays(std::uint32_t, queue::RowId) override { return 0; }
  queue::RowId last_before(WallTime, queue::RowId after) override { return after; }
  queue::RowId oldest_listed(std::uint32_t) override { return 0; }
  std::uint64_t pending(const queue::HandlerRecord&) override { return 0; }
  std::uint64_t pending_up_to(const queue::HandlerRecord&, queue::RowId) override { return 0; }
  std::optional<WallTime> oldest_pending(const queue::HandlerRecord&) override {
    return std::nullopt;
  }
  std::vector<queue::QuarantinedPush> quarantined(std::uint64_t) override { return {}; }
  std::vector<queue::Repeat> repeats(std::uint64_t) override { return {}; }
  std::vector<std::pair<std::string, std::string>> remembered(const std::string&) override {
    return {};
  }
  queue::StoreFigures figures() override { return {}; }
  queue::RowId last_id() override { return 0; }
};

}  // namespace wxpush::test
