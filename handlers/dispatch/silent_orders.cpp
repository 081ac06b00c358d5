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

bool is_nameless(const std::string& name) {
  return name.back() == '\n';
}

}  // namespace

void SilentOrders::saw(const Step& step, queue::RowId id, SteadyTime since) {
  if (step.order_key.empty() || !is_news(step)) return;
  // Before the carrier gave it a number it was the same delivery.
  if (!step.waybill_id.empty()) forget(name_of(step.order_key, {}));
  const auto [found, is_new] = deliveries_.try_emplace(name_of(step.order_key, step.waybill_id));
  Row& row = *found;
  if (!is_new) unlist(row);
  Delivery& delivery = row.second;
  delivery.progress = step.progress;
  // At one time the later phase stays: an unknown status cannot be compared.
  if (delivery.furthest.action_time == 0 || further_on(step.progress, delivery.furthest))
    delivery.furthest = step.progress;
  delivery.id = id;
  const auto limit = limits_.find(step.progress.order_status);
  if (limit == limits_.end()) {
    settle(row);
  } else {
    watch(row, since + limit->second);
  }
  trim();
}

// Stale statuses and repeats are none, and such as tell of a delivery before it had its number.
bool SilentOrders::is_news(const Step& step) const {
  const std::string nameless = name_of(step.order_key, {});
  if (step.waybill_id.empty() && is_behind_numbered(nameless, step.progress)) return false;
  const auto before = deliveries_.find(nameless);
  if (before != deliveries_.end() && further_on(before->second.furthest, step.progress))
    return false;
  const auto found = deliveries_.find(name_of(step.order_key, step.waybill_id));
  if (found == deliveries_.end()) return true;
  const Delivery& delivery = found->second;
  if (further_on(delivery.furthest, step.progress)) return false;
  const bool is_repeat = step.progress == delivery.progress || step.progress == delivery.furthest;
  return !is_repeat || step.progress.action_time == 0;
}

// Whether the order has a delivery with a number than which this is not known to be further on.
bool SilentOrders::is_behind_numbered(const std::string& nameless,
                                      const event::Progress& progress) const {
  for (auto row = deliveries_.upper_bound(nameless);
       row != deliveries_.end() && row->first.starts_with(nameless); ++row) {
    if (!further_on(progress, row->second.furthest)) return true;
  }
  return false;
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
  const Delivery& delivery = row.second;
  Overdue overdue{delivery.id, limits_.at(delivery.progress.order_status), row.first,
                  delivery.progress, delivery.furthest};
  unlist(row);
  settle(row);
  trim();
  return overdue;
}

void SilentOrders::put_back(const Overdue& overdue, SteadyTime due) {
  const auto& name = overdue.delivery;
  if (is_nameless(name) && is_behind_numbered(name, overdue.progress)) return;
  const auto [found, was_forgotten] = deliveries_.try_emplace(name);
  Delivery& delivery = found->second;
  if (was_forgotten) {
    delivery.progress = overdue.progress;
    delivery.furthest = overdue.furthest;
    delivery.id = overdue.id;
  } else {
    if (delivery.id != overdue.id || delivery.is_watched) return;
    unlist(*found);
  }
  watch(*found, due);
  trim();
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
  row.second.settled = next_settled_++;
  settled_[row.second.settled] = &row;
}

void SilentOrders::unlist(const Row& row) {
  if (!row.second.is_watched) {
    settled_.erase(row.second.settled);
    return;
  }
  due_.erase({row.second.due, row.second.id});
  watched_.erase(row.second.id);
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
