#include "server/decisions.h"

#include <boost/asio/post.hpp>

namespace wxpush::server {

void Decisions::append(queue::Queue& queue, queue::NewEvent event, queue::AppendCallback done) {
  arrivals_.push_back({std::move(event), std::move(done)});
  // Behind everything that is ready in this turn.
  if (arrivals_.size() == 1) boost::asio::post(context_, [this, &queue] { flush(queue); });
}

void Decisions::flush(queue::Queue& queue) {
  queue.append(std::exchange(arrivals_, {}));
  hand_over();  // what was refused at once
}

void Decisions::carry(Decision decision) {
  const std::lock_guard lock(mutex_);
  carried_.push_back(std::move(decision));
}

void Decisions::hand_over() {
  {
    const std::lock_guard lock(mutex_);
    if (carried_.empty() || std::exchange(on_its_way_, true)) return;
  }
  boost::asio::post(context_, [this] { decide(); });
}

void Decisions::decide() {
  std::vector<Decision> carried;
  {
    const std::lock_guard lock(mutex_);
    on_its_way_ = false;
    carried.swap(carried_);
  }
  for (const Decision& decision : carried) decision();
}

}  // namespace wxpush::server
