#pragma once
// A store that is a vector: what a feed reads, and a note of what it settled.

#include "tests/support/empty_reader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace wxpush::test {

inline queue::StoredEvent stored_event(queue::RowId id, std::string type,
                                       std::string app = "shop") {
  queue::StoredEvent event;
  event.id = id;
  event.app = std::move(app);
  event.appid = "wxshop";
  event.type = std::move(type);
  event.kind = event::ContentKind::json;
  event.body = "{}";
  return event;
}

inline queue::StoredEvent status_event(queue::RowId id, int order_status, int action_time) {
  auto event = stored_event(id, "update_waybill_status");
  event.order_key = "wxshop/s/o";
  event.body =
      R"({"MsgType":"event","Event":"update_waybill_status","shopid":"s","shop_order_id":"o","waybill_id":"w",)"
      R"("order_status":)" +
      std::to_string(order_status) + R"(,"action_time":)" + std::to_string(action_time) + "}";
  return event;
}

class FakeReader final : public EmptyReader {
 public:
  explicit FakeReader(std::vector<queue::StoredEvent> events, std::size_t rows = 3)
      : events_(std::move(events)), rows_(rows) {}

  Page events(const queue::EventFilter& filter, std::size_t) override {
    Page page;
    for (const auto& event : events_) {
      if (event.id <= filter.after || (filter.until != 0 && event.id > filter.until)) continue;
      if (event.id == damaged) {
        if (page.events.empty()) throw std::runtime_error("a page is damaged");
        return page;
      }
      page.next_after = event.id;
      if (!filter.order_key.empty() && event.order_key != filter.order_key) continue;
      page.events.push_back(event);
      if (page.events.size() == rows_) return page;
    }
    page.end = true;
    return page;
  }
  std::optional<queue::StoredEvent> find(queue::RowId id) override {
    if (erased != nullptr && *erased == id) return std::nullopt;
    for (const auto& event : events_) {
      if (event.id == id) return event;
    }
    return std::nullopt;
  }
  std::vector<queue::Delivery> deliveries(const queue::StoredEvent& event) override {
    const auto found = states.find(event.id);
    return found == states.end() ? std::vector<queue::Delivery>{}
                                 : std::vector<queue::Delivery>{found->second};
  }
  queue::LaneState lane_state(std::uint32_t, bool) override {
    queue::LaneState state;
    state.cursor = cursor;
    return state;
  }
  queue::RowId last_before(WallTime time, queue::RowId after) override {
    for (const auto& event : events_) {
      if (event.id <= after) continue;
      if (event.received_at >= time) break;
      after = event.id;
    }
    return after;
  }
  queue::RowId last_id() override { return events_.empty() ? 0 : events_.back().id; }

  queue::RowId cursor = 0;                            // where the handler stands
  queue::RowId damaged = 0;                           // this one cannot be read
  const std::atomic<queue::RowId>* erased = nullptr;  // nor is this one there
  std::map<queue::RowId, queue::Delivery> states;     // as deliveries() tells them

 private:
  std::vector<queue::StoredEvent> events_;
  std::size_t rows_;  // of a page
};

// Waits for what another thread does, without sleeping.
class Settled {
 public:
  void note(queue::RowId through) {
    const std::lock_guard lock(mutex_);
    through_ = through;
    changed_.notify_all();
  }
  void wait_for(queue::RowId through) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return through_ >= through; });
  }
  queue::RowId through() {
    const std::lock_guard lock(mutex_);
    return through_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  queue::RowId through_ = 0;
};

}  // namespace wxpush::test
