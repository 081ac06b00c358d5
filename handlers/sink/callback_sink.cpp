#include "handlers/base/thread_name.h"
#include "handlers/sink/sink.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace wxpush::sink {
namespace {

// Shared with the threads, of which one may be in a callback that never returns.
struct Pool {
  explicit Pool(EventCallback c) : callback(std::move(c)) {}

  EventCallback callback;  // goes with the last thread
  std::mutex mutex;
  std::condition_variable work, ended;
  std::deque<std::pair<std::shared_ptr<const Delivery>, Done>> waiting;
  std::size_t running = 0;  // threads
  bool stopped = false;

  Outcome call(const Delivery& delivery) const {
    try {
      return callback(delivery);
    } catch (...) {
      return failure_of(std::current_exception());
    }
  }

  void run() {
    name_this_thread("wx-callback");
    std::unique_lock lock(mutex);
    for (;;) {
      work.wait(lock, [this] { return stopped || !waiting.empty(); });
      if (stopped) break;
      const auto [delivery, done] = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      done(call(*delivery));
      lock.lock();
    }
    if (running == 1) {  // what it captured is gone before anyone is told that we are
      lock.unlock();
      callback = nullptr;
      lock.lock();
    }
    --running;
    ended.notify_all();
  }
};

class CallbackSink final : public Sink {
 public:
  CallbackSink(EventCallback callback, std::size_t threads)
      : pool_(std::make_shared<Pool>(std::move(callback))) {
    pool_->running = threads;
    for (std::size_t i = 0; i < threads; ++i) std::thread([pool = pool_] { pool->run(); }).detach();
  }
  ~CallbackSink() override { CallbackSink::stop(std::chrono::milliseconds(0)); }
  CallbackSink(const CallbackSink&) = delete;
  CallbackSink& operator=(const CallbackSink&) = delete;

  void offer(std::shared_ptr<const Delivery> delivery, Done done) override {
    const std::lock_guard lock(pool_->mutex);
    if (pool_->stopped) return;
    pool_->waiting.emplace_back(std::move(delivery), std::move(done));
    pool_->work.notify_one();
  }

  void cut_off() override {
    const std::lock_guard lock(pool_->mutex);
    pool_->stopped = true;
    pool_->waiting.clear();
    pool_->work.notify_all();
  }

  std::size_t stop(std::chrono::milliseconds deadline) override {
    cut_off();
    std::unique_lock lock(pool_->mutex);
    pool_->ended.wait_for(lock, deadline, [this] { return pool_->running == 0; });
    return pool_->running;
  }

 private:
  std::shared_ptr<Pool> pool_;
};

}  // namespace

std::unique_ptr<Sink> make_callback_sink(EventCallback callback, std::size_t threads) {
  return std::make_unique<CallbackSink>(std::move(callback), threads);
}

}  // namespace wxpush::sink
