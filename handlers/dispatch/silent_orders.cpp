#include "handlers/dispatch/silent_orders.h"

#include <algorithm>

namespace wxpush::dispatch {
namespace {

// Order keys are percent-encoded: no line end is in them.
std::string name_of(std::string_view order_key, std::string_view waybill_id) {
  std::string name(order_key);
  name += '\n';
  name += waybill_id;
  return name;
}

}  // namespace

void SilentOrders::saw(const Step& step, queue::RowId id, SteadyTime since) {
  if (step.order_key.empty()) return;
  // Before the carrier gave it a number it was the same delivery.
  if (!step.waybill_id.empty()) forget(name_of(step.order_key, {}));
  const auto [found, is_new] = deliveries_.try_emplace(name_of(step.order_key, step.waybill_id));
  Row& row = *found;
  if (!is_new) {
    const event::Progress& before = row.second.progress;
    const bool is_repeat = before == step.progress && before.action_time != 0;
    if (is_repeat || further_on(before, step.progress)) return;
    unlist(row);
  }
  row.second.progress = step.progress;
  row.second.id = id;
  const auto limit = limits_.find(step.progress.order_status);
  if (limit == limits_.end()) {
    settle(row);
  } else {
    watch(row, since + limit->second);
  }
  trim();
}

void SilentOrders::was_told(const Step& step) {
  const auto found = deliveries_.find(name_of(step.order_key, step.waybill_id));
  if (found == deliveries_.end()) return;
  const Delivery& delivery = found->second;
  if (!delivery.is_watched || delivery.progress != step.progress) return;
  unlist(*found);
  settle(*found);
}

std::optional<SilentOrders::Overdue> SilentOrders::take(SteadyTime now) {
  if (next_due() > now || due_.empty()) return std::nullopt;
  Row& row = *due_.begin()->second;
  Overdue overdue{row.second.id, limits_.at(row.second.progress.order_status), row.first};
  unlist(row);
  settle(row);
  trim();
  return overdue;
}

void SilentOrders::put_back(const Overdue& overdue, SteadyTime due) {
  const auto found = deliveries_.find(overdue.delivery);
  if (found == deliveries_.end() || found->second.id != overdue.id || found->second.is_watched)
    return;
  unlist(*found);
  watch(*found, due);
}

SteadyTime SilentOrders::next_due() const {
  if (due_.empty()) return SteadyTime::max();
  return std::max(due_.begin()->first.first, not_before_);
}

void SilentOrders::watch(Row& row, SteadyTime due) {
  row.second.due = due;
  row.second.is_watched = true;
  due_[{due, row.second.id}] = &row;
  watched_[row.second.id] = &row;
}

void SilentOrders::settle(Row& row) {
  row.second.is_watched = false;
  settled_[row.second.id] = &row;
}

void SilentOrders::unlist(const Row& row) {
  due_.erase({row.second.due, row.second.id});
  (row.second.is_watched ? watched_ : settled_).erase(row.second.id);
}

void SilentOrders::forget(const std::string& delivery) {
  const auto found = deliveries_.find(delivery);
  if (found == deliveries_.end()) return;
  unlist(*found);
  deliveries_.erase(found);
}

void SilentOrders::trim() {
  if (watched_.size() > max_watched) {
    ++dropped_;
    forget(std::string(watched_.begin()->second->first));
  }
  while (settled_.size() > max_settled) forget(std::string(settled_.begin()->second->first));
}

}  // namespace wxpush::dispatch
