#pragma once
// Feeds every registered handler from the queue, each on a thread of its own: a slow or failing one
// holds up no other, and none holds up an acknowledgement.

#include "handlers/dispatch/feed.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace wxpush::dispatch {

class Dispatcher {
 public:
  explicit Dispatcher(Log& log);
  ~Dispatcher();  // stop(0)

  // Before start(). The feed may outlive the dispatcher if its callback blocks: what it uses (its
  // own reader, the log) must then still be there; it settles nothing any more.
  void add(sink::CallbackHandler handler, queue::RowId cursor,
           std::unique_ptr<queue::Reader> reader, Settle settle, DeliveryObserver observer);
  void start();
  // Events up to this are durable. Thread-safe, short.
  void wake(queue::RowId durable_id);
  // Begins no further attempt; returns at once. Idempotent.
  void request_stop();
  // How many feeds have not ended.
  std::size_t running() const;
  // request_stop(), waits for those running until the deadline; answers how many callbacks still
  // run. Those will repeat after the next start. Idempotent.
  std::size_t stop(std::chrono::milliseconds deadline);

  std::string last_error(const std::string& handler) const;

 private:
  struct Running;
  Log& log_;
  std::vector<std::shared_ptr<Running>> feeds_;
};

}  // namespace wxpush::dispatch
