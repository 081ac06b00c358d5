#pragma once
// The pushes of one I/O thread on their way to the store, and what became of them on its way back.
// Both go in batches: what the thread read in one turn is handed over together, and what the writer
// decided together comes back with one wake-up. On a busy core waking another thread costs more
// than the push it is for.

#include "handlers/queue/queue.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace wxpush::server {

class Decisions {
 public:
  using Decision = std::function<void()>;  // called on the I/O thread

  // Outlives its context's run; the queue that it appends to was stopped before it goes.
  explicit Decisions(boost::asio::io_context& context) : context_(context) {}
  Decisions(const Decisions&) = delete;
  Decisions& operator=(const Decisions&) = delete;

  // The I/O thread: appended when this turn of it has ended, or a few later, while more come.
  // `done` is called as queue::Queue::append() says, and does no more than carry().
  void append(queue::Queue& queue, queue::NewEvent event, queue::AppendCallback done);

  // Any thread: to be called on the I/O thread once hand_over() was called.
  void carry(Decision decision);
  void hand_over();

 private:
  void flush_behind_turn(queue::Queue& queue, std::size_t seen, int turns);
  void flush(queue::Queue& queue);
  void decide();

  boost::asio::io_context& context_;
  std::vector<queue::Arrival> arrivals_;  // the I/O thread's own
  bool flushing_ = false;                 // likewise: flush_behind_turn() has posted
  std::mutex mutex_;
  std::vector<Decision> carried_;
  bool on_its_way_ = false;  // decide() is
};

}  // namespace wxpush::server
