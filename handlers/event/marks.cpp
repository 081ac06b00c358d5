#include "handlers/event/marks.h"

namespace wxpush::event {
namespace {

int phase_of(int order_status) {
  const auto* known = find_order_status(order_status);
  return known == nullptr ? -1 : static_cast<int>(known->phase);
}

}  // namespace

bool further_on(const Progress& one, const Progress& other) {
  if (one.action_time == 0 || other.action_time == 0) return false;  // nothing to compare
  if (one.action_time != other.action_time) return one.action_time > other.action_time;
  return phase_of(other.order_status) >= 0 &&
         phase_of(one.order_status) > phase_of(other.order_status);
}

Marks marks_of(std::span<const StatusRecord> earlier, const StatusRecord& current) {
  Marks marks;
  for (const auto& record : earlier) {
    if (record.status.waybill_id != current.status.waybill_id) continue;
    if (further_on(progress_of(record.status), progress_of(current.status))) marks.stale = true;
    // An empty key says that too little is known to tell two steps apart.
    if (marks.repeat_of == 0 && !current.business_key.empty() &&
        record.business_key == current.business_key) {
      marks.repeat_of = record.id;
    }
  }
  return marks;
}

}  // namespace wxpush::event
