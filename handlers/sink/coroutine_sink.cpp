#include "handlers/sink/coroutine_sink.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace wxpush::sink {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

// For coroutines to end that were cancelled; then again for the thread to go.
constexpr milliseconds cancel_grace{100};

// Shared with the thread, which may be in a coroutine that blocks it for ever.
struct Runner {
  explicit Runner(CoroutineCallback c) : callback(std::move(c)) {
    work.emplace(io->get_executor());
  }

  // The thread's own. Signals outlive the coroutines that listen to them.
  CoroutineCallback callback;
  std::list<asio::cancellation_signal> signals;
  bool cancelled = false;  // what ends from now on does not count

  std::mutex mutex;
  std::condition_variable changed;
  std::size_t under_way = 0;
  bool stopped = false;  // takes no more
  // From then on nobody but the thread touches `io`.
  std::optional<std::chrono::steady_clock::time_point> cut_off_at;
  bool ended = false;
  std::optional<asio::io_context> io{std::in_place, 1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::optional<asio::steady_timer> limit;

  void run() {
    while (!runs_out()) continue;
    limit.reset();
    work.reset();
    io.reset();          // and with it every coroutine that still waits for something
    callback = nullptr;  // what it captured is gone before anyone is told that we are
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  }

  // What the program itself put on the executor may throw: that is its own matter.
  bool runs_out() {
    try {
      io->run();
      return true;
    } catch (...) {
      return false;
    }
  }

  asio::awaitable<Outcome> attempt(std::shared_ptr<const Delivery> delivery) {
    std::exception_ptr thrown;
    try {
      Outcome outcome = co_await callback(*delivery);
      co_return outcome;
    } catch (...) {
      thrown = std::current_exception();
    }
    co_return failure_of(thrown);
  }

  void begin(std::shared_ptr<const Delivery> delivery, Done done) {
    const auto signal = signals.emplace(signals.end());
    auto completed = [this, signal, done = std::move(done)](const std::exception_ptr& thrown,
                                                            Outcome outcome) {
      if (!cancelled) done(thrown ? Outcome(failure_of(thrown)) : std::move(outcome));
      asio::post(*io, [this, signal] { signals.erase(signal); });  // it is still in use here
      const std::lock_guard lock(mutex);
      --under_way;
      if (cancelled && under_way == 0) io->stop();
      changed.notify_all();
    };
    asio::co_spawn(*io, attempt(std::move(delivery)),
                   asio::bind_cancellation_slot(signal->slot(), std::move(completed)));
  }

  // Needs the lock.
  void cut_off() {
    stopped = true;
    if (cut_off_at) return;
    cut_off_at = std::chrono::steady_clock::now();
    asio::post(*io, [this] { cancel_all(); });
  }

  void cancel_all() {
    cancelled = true;
    limit.emplace(*io, cancel_grace);
    limit->async_wait([this](const boost::system::error_code&) { io->stop(); });
    for (auto& signal : signals) signal.emit(asio::cancellation_type::terminal);
    const std::lock_guard lock(mutex);
    if (under_way == 0) io->stop();
  }
};

class CoroutineSink final : public Sink {
 public:
  explicit CoroutineSink(CoroutineCallback callback)
      : runner_(std::make_shared<Runner>(std::move(callback))) {
    std::thread([runner = runner_] { runner->run(); }).detach();
  }
  ~CoroutineSink() override { CoroutineSink::stop(milliseconds(0)); }
  CoroutineSink(const CoroutineSink&) = delete;
  CoroutineSink& operator=(const CoroutineSink&) = delete;

  void offer(std::shared_ptr<const Delivery> delivery, Done done) override {
    const std::lock_guard lock(runner_->mutex);
    if (runner_->stopped) return;
    ++runner_->under_way;
    asio::post(*runner_->io, [runner = runner_.get(), delivery = std::move(delivery),
                              done = std::move(done)]() mutable {
      runner->begin(std::move(delivery), std::move(done));
    });
  }

  void cut_off() override {
    const std::lock_guard lock(runner_->mutex);
    runner_->cut_off();
  }

  std::size_t stop(milliseconds deadline) override {
    Runner& runner = *runner_;
    std::unique_lock lock(runner.mutex);
    runner.stopped = true;
    runner.changed.wait_for(lock, deadline, [&] { return runner.ended || runner.under_way == 0; });
    runner.cut_off();
    runner.changed.wait_until(lock, *runner.cut_off_at + 2 * cancel_grace,
                              [&] { return runner.ended; });
    return runner.ended ? 0 : 1;
  }

 private:
  const std::shared_ptr<Runner> runner_;
};

}  // namespace

std::unique_ptr<Sink> make_coroutine_sink(CoroutineCallback callback) {
  return std::make_unique<CoroutineSink>(std::move(callback));
}

}  // namespace wxpush::sink
