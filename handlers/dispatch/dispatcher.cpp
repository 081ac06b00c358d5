#include "handlers/dispatch/dispatcher.h"

#include "handlers/base/thread_name.h"
#include "handlers/base/thread_priority.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace wxpush::dispatch {
namespace {

using std::chrono::milliseconds;

// For an attempt whose outcome is known to let go of its thread: it is not worth a warning.
constexpr milliseconds outcome_grace{1000};

milliseconds time_until(SteadyTime time) {
  const auto left = time - std::chrono::steady_clock::now();
  return std::max(std::chrono::duration_cast<milliseconds>(left), milliseconds(0));
}

}  // namespace

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
  bool in_time = false;  // what end() found
  std::thread thread;

  void start() {
    const std::lock_guard lock(mutex);
    thread = std::thread([this] { run(); });
  }
  bool runs() const {
    const std::lock_guard lock(mutex);
    return thread.joinable() && !ended;
  }
  void run() {
    name_this_thread("wx-feed " + feed.name());
    give_way_to_acknowledgements();
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
  settings.lanes.first_sequence = ++added_ << 32U;
  auto running = std::make_shared<Running>(std::move(settings), std::move(reader), std::move(sink),
                                           std::move(mark), std::move(observer), clock_, log_);
  const std::lock_guard lock(mutex_);
  running->feed.wake(durable_);
  if (started_) running->start();
  feeds_[number] = std::move(running);
}

void Dispatcher::start() {
  const std::lock_guard lock(mutex_);
  started_ = true;
  for (auto& [number, running] : feeds_) running->start();
}

void Dispatcher::wake(queue::RowId durable_id) {
  const std::lock_guard lock(mutex_);
  durable_ = std::max(durable_, durable_id);
  for (auto& [number, running] : feeds_) {
    if (!held_.contains(running->feed.name())) running->feed.wake(durable_id);
  }
}

void Dispatcher::committed(std::uint32_t handler, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto found = feeds_.find(handler);
  if (found != feeds_.end()) found->second->feed.committed(sequence);
}

void Dispatcher::request_stop() {
  for (auto& running : all()) running->feed.stop();
}

std::size_t Dispatcher::running() const {
  std::size_t count = 0;
  for (const auto& running : all()) count += running->runs() ? 1 : 0;
  return count;
}

std::size_t Dispatcher::stop(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  request_stop();
  std::size_t still_running = end(all(), until);
  std::vector<std::shared_ptr<Running>> left_behind;
  {
    const std::lock_guard lock(mutex_);
    left_behind.swap(left_behind_);
  }
  for (const auto& one : left_behind) still_running += one->feed.stop_sink(milliseconds(0));
  return still_running;
}

std::optional<queue::RowId> Dispatcher::hold(const std::string& handler) {
  if (!find(handler)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  held_.insert(handler);
  return durable_;
}

void Dispatcher::release(const std::string& handler) {
  const auto running = find(handler);
  const std::lock_guard lock(mutex_);
  held_.erase(handler);
  if (running) running->feed.wake(durable_);
}

std::size_t Dispatcher::remove(const std::string& handler, std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  const auto running = find(handler);
  if (!running) return 0;
  running->feed.stop();
  const auto left = end({running}, until);
  const std::lock_guard lock(mutex_);
  std::erase_if(feeds_, [&](const auto& one) { return one.second == running; });
  held_.erase(handler);
  if (left > 0) left_behind_.push_back(running);
  return left;
}

// Side by side: however many there are, their sinks are let go of in the time of one.
std::size_t Dispatcher::end(std::vector<std::shared_ptr<Running>> feeds, SteadyTime until) {
  std::erase_if(feeds, [](const auto& one) { return !one->thread.joinable(); });
  for (const auto& one : feeds) one->in_time = one->wait_until(until);
  for (const auto& one : feeds) {
    one->feed.abandon();
    one->thread.join();
    one->feed.cut_off_sink();
  }
  const auto last = std::chrono::steady_clock::now() + outcome_grace;
  std::size_t left = 0;
  for (const auto& one : feeds) {
    const auto grace = one->in_time ? time_until(last) : milliseconds(0);
    const std::size_t stuck = one->feed.stop_sink(grace);
    left += stuck;
    if (stuck == 0) continue;
    log_.warning(
        "a callback still runs at the deadline; its event will be offered again after the next "
        "start",
        {{"handler", one->feed.name()}});
  }
  return left;
}

std::string Dispatcher::last_error(const std::string& handler) const {
  const auto running = find(handler);
  return running ? running->feed.last_error() : std::string{};
}

Breaker::State Dispatcher::breaker(const std::string& handler) const {
  const auto running = find(handler);
  return running ? running->feed.breaker() : Breaker::State::closed;
}

bool Dispatcher::stalled(const std::string& handler) const {
  const auto running = find(handler);
  return running && running->feed.stalled();
}

std::optional<std::future<Granted>> Dispatcher::ask(const std::string& handler, Ask what,
                                                    std::vector<queue::RowId> ids) {
  const auto running = find(handler);
  if (!running) return std::nullopt;
  return running->feed.ask(what, std::move(ids));
}

bool Dispatcher::let_go_of(const std::vector<queue::RowId>& erased, milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  std::vector<std::future<void>> asked;
  for (const auto& running : all()) {
    if (running->runs()) asked.push_back(running->feed.let_go_of(erased));
  }
  return std::ranges::all_of(
      asked, [&](auto& one) { return one.wait_until(until) == std::future_status::ready; });
}

std::shared_ptr<Dispatcher::Running> Dispatcher::find(const std::string& handler) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, running] : feeds_) {
    if (running->feed.name() == handler) return running;
  }
  return nullptr;
}

std::vector<std::shared_ptr<Dispatcher::Running>> Dispatcher::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Running>> found;
  found.reserve(feeds_.size());
  for (const auto& [number, running] : feeds_) found.push_back(running);
  return found;
}

}  // namespace wxpush::dispatch
