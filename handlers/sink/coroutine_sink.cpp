#include "handlers/sink/coroutine_sink.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

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

// For coroutines to end that were cancelled, and for the thread to go.
constexpr milliseconds cancel_grace{100};

// Shared with the thread, which may be in a coroutine that blocks it for ever.
struct Runner {
  explicit Runner(CoroutineCallback c) : callback(std::move(c)) {
    work.emplace(io->get_executor());
  }

  const CoroutineCallback callback;
  // The thread's own. Signals outlive the coroutines that listen to them.
  std::list<asio::cancellation_signal> signals;
  bool cut_off = false;  // what ends from now on does not count

  std::mutex mutex;
  std::condition_variable changed;
  std::size_t under_way = 0;
  bool stopped = false;  // takes no more
  bool leaving = false;  // the thread takes `io` down, and nobody else touches it any more
  bool ended = false;
  std::optional<asio::io_context> io{std::in_place, 1};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;

  void run() {
    io->run();
    {
      const std::lock_guard lock(mutex);
      leaving = true;
    }
    work.reset();
    io.reset();  // and with it every coroutine that still waits for something
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
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
      if (!cut_off) done(thrown ? Outcome(failure_of(thrown)) : std::move(outcome));
      asio::post(*io, [this, signal] { signals.erase(signal); });  // it is still in use here
      const std::lock_guard lock(mutex);
      --under_way;
      changed.notify_all();
    };
    asio::co_spawn(*io, attempt(std::move(delivery)),
                   asio::bind_cancellation_slot(signal->slot(), std::move(completed)));
  }

  void cancel_all() {
    cut_off = true;
    for (auto& signal : signals) signal.emit(asio::cancellation_type::terminal);
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

  std::size_t stop(milliseconds deadline) override {
    Runner& runner = *runner_;
    std::unique_lock lock(runner.mutex);
    runner.stopped = true;
    const auto idle = [&] { return runner.under_way == 0; };
    if (!runner.leaving && !runner.changed.wait_for(lock, deadline, idle)) {
      asio::post(*runner.io, [&runner] { runner.cancel_all(); });
      runner.changed.wait_for(lock, cancel_grace, idle);
    }
    if (!runner.leaving) runner.io->stop();
    runner.changed.wait_for(lock, cancel_grace, [&] { return runner.ended; });
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
