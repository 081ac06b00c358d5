#include "handlers/dispatch/dispatcher.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace wxpush::dispatch {

struct Dispatcher::Running {
  Running(FeedSettings settings, std::unique_ptr<queue::Reader> reader,
          std::unique_ptr<sink::Sink> sink, Mark mark, DeliveryObserver observer, Clock& clock,
          Log& log)
      : feed(std::move(settings), std::move(reader), std::move(sink), std::move(mark),
             std::move(observer), clock, log) {}

  Feed feed;
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  std::thread thread;

  void run() {
    feed.run();
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  }
  bool wait_until(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, until, [this] { return ended; });
  }
};

Dispatcher::Dispatcher(Clock& clock, Log& log) : clock_(clock), log_(log) {}
Dispatcher::~Dispatcher() {
  stop(std::chrono::milliseconds(0));
}

void Dispatcher::add(FeedSettings settings, std::unique_ptr<queue::Reader> reader,
                     std::unique_ptr<sink::Sink> sink, Mark mark, DeliveryObserver observer) {
  const auto number = settings.number;
  feeds_.push_back(std::make_unique<Running>(std::move(settings), std::move(reader),
                                             std::move(sink), std::move(mark), std::move(observer),
                                             clock_, log_));
  by_number_[number] = &feeds_.back()->feed;
}

void Dispatcher::start() {
  for (auto& running : feeds_) running->thread = std::thread([&one = *running] { one.run(); });
}

void Dispatcher::wake(queue::RowId durable_id) {
  for (auto& running : feeds_) running->feed.wake(durable_id);
}

void Dispatcher::committed(std::uint32_t handler, std::uint64_t sequence) {
  const auto found = by_number_.find(handler);
  if (found != by_number_.end()) found->second->committed(sequence);
}

void Dispatcher::request_stop() {
  for (auto& running : feeds_) running->feed.stop();
}

std::size_t Dispatcher::running() const {
  std::size_t count = 0;
  for (const auto& running : feeds_) {
    const std::lock_guard lock(running->mutex);
    if (running->thread.joinable() && !running->ended) ++count;
  }
  return count;
}

std::size_t Dispatcher::stop(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  request_stop();
  std::size_t still_running = 0;
  for (auto& running : feeds_) {
    if (!running->thread.joinable()) continue;
    const bool ended = running->wait_until(until);
    running->feed.abandon();
    running->thread.join();
    // An attempt that is over only now is not worth a warning.
    const std::size_t left = running->feed.stop_sink(ended ? std::chrono::milliseconds(1000)
                                                           : std::chrono::milliseconds(0));
    if (left == 0) continue;
    still_running += left;
    log_.warning(
        "a callback still runs at the deadline; its event will be offered again after the next "
        "start",
        {{"handler", running->feed.name()}});
  }
  return still_running;
}

std::string Dispatcher::last_error(const std::string& handler) const {
  for (const auto& running : feeds_) {
    if (running->feed.name() == handler) return running->feed.last_error();
  }
  return {};
}

Breaker::State Dispatcher::breaker(const std::string& handler) const {
  for (const auto& running : feeds_) {
    if (running->feed.name() == handler) return running->feed.breaker();
  }
  return Breaker::State::closed;
}

bool Dispatcher::requeue(std::uint32_t handler, std::vector<DeadLetterKey> letters) {
  const auto found = by_number_.find(handler);
  if (found == by_number_.end()) return false;
  found->second->requeue(std::move(letters));
  return true;
}

bool Dispatcher::discard(std::uint32_t handler, std::vector<DeadLetterKey> letters) {
  const auto found = by_number_.find(handler);
  if (found == by_number_.end()) return false;
  found->second->discard(std::move(letters));
  return true;
}

}  // namespace wxpush::dispatch
