#include "handlers/queue/filing.h"

#include <algorithm>

namespace wxpush::queue {

void Filing::begin(std::vector<RecentId> run) {
  run_ = std::move(run);
  by_hash_.clear();
  by_order_.clear();
  for (const RecentId& recent : run_) {
    by_hash_.emplace_back(known_.hash(recent.event_id), recent.id);
    if (recent.order != 0) by_order_.emplace_back(recent.order, recent.id);
  }
  std::sort(by_hash_.begin(), by_hash_.end());
  std::sort(by_order_.begin(), by_order_.end());
  committed_ = reached_ = {};
}

void Filing::slice(std::size_t rows) {
  for (; rows > 0 && reached_.known < by_hash_.size(); --rows, ++reached_.known) {
    generations_.file_known(by_hash_[reached_.known].first, by_hash_[reached_.known].second);
  }
  for (; rows > 0 && reached_.orders < by_order_.size(); --rows, ++reached_.orders) {
    generations_.file_order(by_order_[reached_.orders].first, by_order_[reached_.orders].second);
  }
  if (!complete(reached_)) return;
  generations_.close_run(run_);
  meta_.set(meta_key::filed_through, static_cast<std::int64_t>(run_.back().id));
}

void Filing::committed() {
  committed_ = reached_;
  if (!complete(committed_)) return;
  generations_.run_closed();
  known_.recent().drop_through(run_.back().id);
  run_.clear();
}

}  // namespace wxpush::queue
