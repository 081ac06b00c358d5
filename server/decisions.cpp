#include "server/decisions.h"

#include <boost/asio/post.hpp>

#include <thread>

namespace wxpush::server {

namespace {

// More at a time save little, and the disk would wait for them.
constexpr std::size_t enough = 24;
constexpr int most_turns = 8;

}  // namespace

void Decisions::append(queue::Queue& queue, queue::NewEvent event, queue::AppendCallback done) {
  if (!flushing_) flush_behind_turn(queue, 0, most_turns);
  arrivals_.push_back({std::move(event), std::move(done)});
}

// Behind everything that is ready in this turn; where that brought more, once more, so that what
// the sockets hold goes together. A thread with nothing else to do hands over after one more look.
void Decisions::flush_behind_turn(queue::Queue& queue, std::size_t seen, int turns) {
  boost::asio::post(context_, [this, &queue, seen, turns] {
    flushing_ = false;
    const auto gathered = arrivals_.size();
    const bool full = gathered >= enough;
    if (!full && gathered != seen && turns > 1)
      return flush_behind_turn(queue, gathered, turns - 1);
    flush(queue);
    // Where both share a core, the writer begins now, and more is read while the disk works.
    if (full) std::this_thread::yield();
  });
  flushing_ = true;  // not if there was no memory for it: then the next push begins anew
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
  try {
    boost::asio::post(context_, [this] { decide(); });
  } catch (...) {
    const std::lock_guard lock(mutex_);
    on_its_way_ = false;
    throw;
  }
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
