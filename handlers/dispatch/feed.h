#pragma once
// One handler's way through the queue: every stored event it asked for, in the order stored, each
// again until its callback returns. One event at a time (docs/architecture.md, "Delivery").

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/dispatch/order_history.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"
#include "handlers/sink/callbacks.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace wxpush::dispatch {

// One call of a callback, after it returned.
struct Attempt {
  const std::string& handler;
  const queue::StoredEvent& stored;
  unsigned number;           // from 1
  const std::string& error;  // empty: done
  std::chrono::nanoseconds took;
};

// Called on the feed's thread.
struct DeliveryObserver {
  std::function<void(const Attempt& attempt)> attempted;
  std::function<void(const std::string& app, const event::Marks& marks)> marked;
};

// How long to wait before attempt `attempt` + 1: exponential from 500 ms to 30 s with full jitter.
// `uniform` in [0, 1).
std::chrono::milliseconds retry_delay(unsigned attempt, double uniform);

// Where the feed writes down how far it came.
using Settle = std::function<void(queue::RowId through)>;

// Shared with the thread that runs it, so that a callback that never returns leaves no dangling
// object behind.
class Feed {
 public:
  Feed(sink::CallbackHandler handler, queue::RowId cursor, std::unique_ptr<queue::Reader> reader,
       Settle settle, DeliveryObserver observer, Log& log);

  void run();                          // until stop(); on a thread of its own
  void wake(queue::RowId durable_id);  // events up to this are durable
  void stop();                         // no further attempt begins; returns at once

  const std::string& name() const noexcept { return handler_.name; }
  std::string last_error() const;

 private:
  bool wait_for_events();
  void offer_page();
  bool offer(const queue::StoredEvent& stored);  // false: stopped
  bool attempt(const queue::StoredEvent& stored, unsigned number);
  bool selected(const queue::StoredEvent& stored) const;
  event::Marks marks(const queue::StoredEvent& stored, const event::Message& message);
  void settle(queue::RowId through);

  const sink::CallbackHandler handler_;
  std::unique_ptr<queue::Reader> reader_;
  OrderHistory history_{*reader_};
  const Settle settle_;
  const DeliveryObserver observer_;
  Log& log_;
  queue::RowId cursor_;  // the feed's thread alone

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  queue::RowId durable_ = 0;
  bool stopped_ = false;
  std::string last_error_;
};

}  // namespace wxpush::dispatch
