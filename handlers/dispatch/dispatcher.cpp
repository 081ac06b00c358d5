#include "handlers/dispatch/dispatcher.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace wxpush::dispatch {

// Owned by the dispatcher and by the feed's thread: whichever ends last.
struct Dispatcher::Running {
  std::mutex mutex;
  std::condition_variable ended_changed;
  bool ended = false;
  bool abandoned = false;  // the dispatcher no longer waits: nothing below may be settled
  std::unique_ptr<Feed> feed;
  std::thread thread;
};

Dispatcher::Dispatcher(Log& log) : log_(log) {}
Dispatcher::~Dispatcher() {
  stop(std::chrono::milliseconds(0));
}

void Dispatcher::add(sink::CallbackHandler handler, queue::RowId cursor,
                     std::unique_ptr<queue::Reader> reader, Settle settle,
                     DeliveryObserver observer) {
  auto running = std::make_shared<Running>();
  // Whatever reaches outside the feed ends once it was abandoned: queue and metrics may be gone by
  // then.
  const auto guard = [weak = std::weak_ptr(running)](auto call) {
    return [weak, call = std::move(call)](const auto&... arguments) {
      const auto alive = weak.lock();
      if (!alive) return;
      const std::lock_guard lock(alive->mutex);
      if (!alive->abandoned && call) call(arguments...);
    };
  };
  Settle guarded = guard(std::move(settle));
  observer = {guard(std::move(observer.attempted)), guard(std::move(observer.marked))};
  running->feed = std::make_unique<Feed>(std::move(handler), cursor, std::move(reader),
                                         std::move(guarded), std::move(observer), log_);
  feeds_.push_back(std::move(running));
}

void Dispatcher::start() {
  for (auto& running : feeds_) {
    running->thread = std::thread([running] {
      running->feed->run();
      {
        const std::lock_guard lock(running->mutex);
        running->ended = true;
      }
      running->ended_changed.notify_all();
    });
  }
}

void Dispatcher::wake(queue::RowId durable_id) {
  for (auto& running : feeds_) running->feed->wake(durable_id);
}

void Dispatcher::request_stop() {
  for (auto& running : feeds_) running->feed->stop();
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
    std::unique_lock lock(running->mutex);
    if (running->ended_changed.wait_until(lock, until, [&] { return running->ended; })) {
      lock.unlock();
      running->thread.join();
      continue;
    }
    running->abandoned = true;
    lock.unlock();
    running->thread.detach();
    ++still_running;
    log_.warning(
        "a callback still runs at the deadline; its event will be offered again after the next "
        "start",
        {{"handler", running->feed->name()}});
  }
  return still_running;
}

std::string Dispatcher::last_error(const std::string& handler) const {
  for (const auto& running : feeds_) {
    if (running->feed->name() == handler) return running->feed->last_error();
  }
  return {};
}

}  // namespace wxpush::dispatch
