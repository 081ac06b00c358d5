#pragma once
// Feeds every registered handler from the queue, each on a thread of its own: a slow or failing one
// holds up no other, and none holds up an acknowledgement.

#include "handlers/dispatch/feed.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace wxpush::dispatch {

class Dispatcher {
 public:
  Dispatcher(Clock& clock, Log& log);
  ~Dispatcher();  // stop(0)
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Before start().
  void add(FeedSettings settings, std::unique_ptr<queue::Reader> reader,
           std::unique_ptr<sink::Sink> sink, Mark mark, DeliveryObserver observer);
  void start();
  // Events up to this are durable. Thread-safe, short.
  void wake(queue::RowId durable_id);
  // Marks of this handler are, up to this sequence. Likewise.
  void committed(std::uint32_t handler, std::uint64_t sequence);
  // Begins no further attempt; returns at once. Idempotent.
  void request_stop();
  // How many feeds have not ended.
  std::size_t running() const;
  // request_stop(), waits for those running until the deadline; answers how many attempts are still
  // under way in their own threads. Their events will be offered again after the next start; what
  // they answer is not heard any more. Idempotent.
  std::size_t stop(std::chrono::milliseconds deadline);

  std::string last_error(const std::string& handler) const;
  Breaker::State breaker(const std::string& handler) const;
  // Dead letters of this handler; thread-safe, short. False: it is not one that runs.
  bool requeue(std::uint32_t handler, std::vector<DeadLetterKey> letters);
  bool discard(std::uint32_t handler, std::vector<DeadLetterKey> letters);

 private:
  struct Running;
  Clock& clock_;
  Log& log_;
  std::vector<std::unique_ptr<Running>> feeds_;
  std::map<std::uint32_t, Feed*> by_number_;
};

}  // namespace wxpush::dispatch
