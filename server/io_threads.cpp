#include "server/io_threads.h"

#include "handlers/base/thread_name.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace wxpush::server {

IoThread::IoThread(Clock& clock, Log& log)
    : turns(context, clock),
      clock_(clock),
      log_(log),
      work_(context.get_executor()),
      timer_(context) {}

IoThread::~IoThread() {
  stop();
}

void IoThread::start(std::string name) {
  tick();
  thread_ = std::thread([this, name = std::move(name)] {
    name_this_thread(name);
    for (;;) {
      try {
        context.run();
        return;
      } catch (const std::exception& error) {
        // A handler let an exception out: a bug, but not one that may stop the other connections of
        // this thread.
        log_.error("an I/O handler failed unexpectedly", {{"error", error.what()}});
      }
    }
  });
}

void IoThread::stop() {
  context.stop();
  if (thread_.joinable()) thread_.join();
}

void IoThread::tick() {
  timer_.expires_after(Deadlines::tick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    deadlines.expire(clock_.steady());
    turns.drop_gone();
    tick();
  });
}

IoThreads::IoThreads(std::size_t count, Clock& clock, Log& log) {
  for (std::size_t i = 0; i < count; ++i)
    threads_.push_back(std::make_unique<IoThread>(clock, log));
}

void IoThreads::start(const std::string& name) {
  for (std::size_t i = 0; i < threads_.size(); ++i)
    threads_[i]->start(threads_.size() == 1 ? name : name + "-" + std::to_string(i));
}

void IoThreads::stop() {
  for (auto& thread : threads_) thread->stop();
}

IoThread& IoThreads::least_loaded() {
  const auto found = std::min_element(
      threads_.begin(), threads_.end(),
      [](const auto& a, const auto& b) { return a->connections.load() < b->connections.load(); });
  return **found;
}

std::size_t IoThreads::connections() const {
  std::size_t sum = 0;
  for (const auto& thread : threads_) sum += thread->connections.load();
  return sum;
}

void IoThreads::hand_over() {
  for (auto& thread : threads_) thread->decisions.hand_over();
}

void IoThreads::drain() {
  for (auto& thread : threads_) {
    boost::asio::post(thread->context, [&t = *thread] { t.deadlines.drain(); });
  }
}

void IoThreads::abort() {
  for (auto& thread : threads_) {
    boost::asio::post(thread->context, [&t = *thread] { t.deadlines.abort(); });
  }
}

}  // namespace wxpush::server
