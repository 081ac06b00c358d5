#pragma once
// What an order's earlier events say about a later one. Advice, computed at delivery and on
// reading, never at intake: carriers skip states, deliver late, and go on after terminal ones
// (docs/events.md, "Marks").

#include "handlers/event/unix_time.h"
#include "handlers/event/waybill_status.h"

#include <cstdint>
#include <span>
#include <string>

namespace wxpush::event {

// How far a delivery has come.
struct Progress {
  std::int64_t action_time = 0;  // Unix seconds; 0: not known
  int order_status = 0;
  friend bool operator==(const Progress&, const Progress&) = default;
};
// A time that no calendar has, such as one in milliseconds, is not known.
constexpr Progress progress_of(std::int64_t action_time, int order_status) {
  return {is_unix_seconds(action_time) ? action_time : 0, order_status};
}
inline Progress progress_of(const WaybillStatus& status) {
  return progress_of(status.action_time, status.order_status);
}
// Whether `one` is further on than `other`, both of one delivery: a later action_time; at the same
// one, a later phase. False where that cannot be told: without an action_time, for an unknown
// status.
bool further_on(const Progress& one, const Progress& other);

struct StatusRecord {
  std::uint64_t id = 0;  // row id in the store
  std::string business_key;
  WaybillStatus status;
};

struct Marks {
  bool stale =
      false;  // an earlier stored event of the same waybill is further on: this one came late
  std::uint64_t repeat_of =
      0;  // the first earlier event that says the same in other bytes; 0 = none
};

// `earlier`: the order's status events stored before `current`, in id order. Per waybill_id, since
// a re-order reuses shop_order_id.
Marks marks_of(std::span<const StatusRecord> earlier, const StatusRecord& current);

}  // namespace wxpush::event
