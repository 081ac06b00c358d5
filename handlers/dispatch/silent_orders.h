#pragma once
// Which deliveries have had no news for too long. Decisions only: no thread, no clock, no disk; the
// thread around it is silent_watch.h. One thread's own.
//
// A status is watched if there is a limit for it, until a further one of the same waybill comes: a
// stale one and a repeat are no news, and a status without a limit ends the watch. Each status is
// told of once.

#include "handlers/base/clock.h"
#include "handlers/event/marks.h"
#include "handlers/queue/event_record.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace wxpush::dispatch {

class SilentOrders {
 public:
  // Deliveries that are watched, and those of which only the last status is remembered, so that a
  // stale one is known as such. Beyond that the oldest of the watched are forgotten, and those that
  // have been settled longest.
  static constexpr std::size_t max_watched = 65'536;
  static constexpr std::size_t max_settled = 65'536;

  using Limits = std::map<int, std::chrono::milliseconds>;  // by order_status
  // Nothing is overdue before `not_before`.
  SilentOrders(Limits limits, SteadyTime not_before)
      : limits_(std::move(limits)), not_before_(not_before) {}

  struct Step {  // of one delivery
    std::string_view order_key;
    std::string_view waybill_id;
    event::Progress progress;
  };
  // A stored status, in id order. `since`: when its silence began.
  void saw(const Step& step, queue::RowId id, SteadyTime since);
  // A stored event tells already that nothing followed this one.
  void was_told(const Step& step);

  struct Overdue {
    queue::RowId id = 0;  // of the status after which nothing came
    std::chrono::milliseconds limit{};
    std::string delivery;
    event::Progress progress{}, furthest{};
  };
  // The one due first, if it is due. It counts as told.
  std::optional<Overdue> take(SteadyTime now);
  // It could not be told: due again then, unless there is news meanwhile.
  void put_back(const Overdue& overdue, SteadyTime due);

  SteadyTime next_due() const;  // max(): nothing is watched
  std::size_t watched() const noexcept { return due_.size(); }
  std::uint64_t dropped() const noexcept { return dropped_; }  // watched ones, forgotten

 private:
  struct Delivery {
    event::Progress progress;  // of the last status that was news
    event::Progress furthest;  // of those with a time: what a later one is measured by
    queue::RowId id = 0;
    SteadyTime due{};
    std::uint64_t settled = 0;  // its place in settled_
    bool is_watched = false;
  };
  using Row = std::pair<const std::string, Delivery>;  // its place in memory is stable

  bool is_news(const Step& step) const;
  bool is_behind_numbered(const std::string& nameless, const event::Progress& progress) const;
  void watch(Row& row, SteadyTime due);
  void settle(Row& row);
  void unlist(const Row& row);
  void forget(const std::string& delivery);
  void trim();

  const Limits limits_;
  const SteadyTime not_before_;
  std::map<std::string, Delivery> deliveries_;  // by order key and waybill: an order's lie together
  std::map<std::pair<SteadyTime, queue::RowId>, Row*> due_;  // those watched
  std::map<queue::RowId, Row*> watched_;                     // the oldest in front
  std::map<std::uint64_t, Row*> settled_;                    // that settled first in front
  std::uint64_t next_settled_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace wxpush::dispatch
