#pragma once
// Feeds every registered handler from the queue, each on a thread of its own: a slow or failing one
// holds up no other, and none holds up an acknowledgement.

#include "handlers/dispatch/feed.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace wxpush::dispatch {

class Dispatcher {
 public:
  Dispatcher(Clock& clock, Log& log);
  ~Dispatcher();  // stop(0)
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Before start(), or after it: then the feed runs at once. Thread-safe.
  void add(FeedSettings settings, std::unique_ptr<queue::Reader> reader,
           std::unique_ptr<sink::Sink> sink, Mark mark, DeliveryObserver observer);
  void start();
  // Events up to this are durable. Thread-safe, short.
  void wake(queue::RowId durable_id);
  // Marks of this handler are, up to this sequence. Likewise.
  void committed(std::uint32_t handler, std::uint64_t sequence);
  // Begins no further attempt; returns at once. Idempotent.
  void request_stop();
  // Tells the feed of no further events until it is released; answers up to which it was told.
  // Nothing: it does not run. Thread-safe.
  std::optional<queue::RowId> hold(const std::string& handler);
  void release(const std::string& handler);
  // Ends this handler's feed as stop() does, and lets go of it: it can be added anew. Answers how
  // many attempts are still under way. Thread-safe; not from the feed's own thread.
  std::size_t remove(const std::string& handler, std::chrono::milliseconds deadline);
  // How many feeds have not ended.
  std::size_t running() const;
  // request_stop(), waits for those running until the deadline; answers how many attempts are still
  // under way in their own threads, those of removed handlers included. Their events will be
  // offered again after the next start; what they answer is not heard any more. Idempotent.
  std::size_t stop(std::chrono::milliseconds deadline);

  std::string last_error(const std::string& handler) const;
  Breaker::State breaker(const std::string& handler) const;
  bool stalled(const std::string& handler) const;
  // Thread-safe, short. Nothing: it is not one that runs.
  std::optional<std::future<Granted>> ask(const std::string& handler, Ask what,
                                          std::vector<queue::RowId> ids);
  // These were erased. Returns when no feed begins an attempt with them any more, or at the
  // deadline, with false. Thread-safe.
  bool let_go_of(const std::vector<queue::RowId>& erased, std::chrono::milliseconds deadline);
  bool runs(const std::string& handler) const { return find(handler) != nullptr; }

 private:
  struct Running;
  std::shared_ptr<Running> find(const std::string& handler) const;
  std::vector<std::shared_ptr<Running>> all() const;
  std::size_t end(std::vector<std::shared_ptr<Running>> feeds, SteadyTime until);

  Clock& clock_;
  Log& log_;
  mutable std::mutex mutex_;  // held for as long as it takes to look something up
  std::map<std::uint32_t, std::shared_ptr<Running>> feeds_;  // by the handler's number
  std::atomic<std::uint64_t> added_ = 0;                     // feeds, ever
  bool started_ = false;
  queue::RowId durable_ = 0;
  std::set<std::string> held_;
  std::vector<std::shared_ptr<Running>> left_behind_;  // removed, with an attempt under way
};

}  // namespace wxpush::dispatch
