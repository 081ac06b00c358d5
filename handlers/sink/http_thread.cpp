#include "handlers/sink/http_thread.h"

#include "handlers/base/thread_priority.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace wxpush::sink {
namespace {

// For what was cut off to notice it.
constexpr std::chrono::milliseconds cut_off_grace{20};

}  // namespace

HttpThread::HttpThread(Work work) {
  thread_ = std::thread([this, work] {
    if (work == Work::deliveries) give_way_to_acknowledgements();
    io_->run();
  });
}

HttpThread::~HttpThread() {
  stop(std::chrono::milliseconds(0));
  if (under_way_ == 0) return;
  // ~io_context waits for a name that is being looked up as long as the system's resolver does.
  std::thread([io = std::move(io_)]() mutable { io.reset(); }).detach();
}

std::shared_ptr<HttpClient> HttpThread::make_client(HttpPeer peer, Clock& clock) {
  auto client = make_http_client(*io_, std::move(peer), clock);
  std::erase_if(clients_, [](const auto& one) { return one.expired(); });
  clients_.emplace_back(client);
  return client;
}

void HttpThread::exchange(std::shared_ptr<HttpClient> client, HttpRequest request,
                          std::chrono::milliseconds timeout, std::function<void(HttpResult)> done) {
  boost::asio::post(*io_, [this, client = std::move(client), request = std::move(request), timeout,
                           done = std::move(done)]() mutable {
    if (stopped_) return;
    begin();
    const auto place = waiting_.insert(waiting_.end(), std::move(done));
    client->exchange(std::move(request), timeout, [this, place](HttpResult result) {
      const auto told = std::move(*place);
      waiting_.erase(place);
      if (!stopped_) told(std::move(result));
      end();
    });
  });
}

void HttpThread::cut_off() {
  if (cut_off_at_) return;
  cut_off_at_ = std::chrono::steady_clock::now();
  boost::asio::post(*io_, [this] {
    stopped_ = true;
    for (const auto& one : clients_) {
      if (const auto client = one.lock()) client->stop();
    }
  });
  work_.reset();
}

std::size_t HttpThread::stop(std::chrono::milliseconds deadline) {
  if (!thread_.joinable()) return 0;
  const auto idle = [this] { return under_way_ == 0; };
  {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, deadline, idle);
  }
  cut_off();
  {
    std::unique_lock lock(mutex_);
    idle_.wait_until(lock, *cut_off_at_ + cut_off_grace, idle);
  }
  io_->stop();
  thread_.join();
  stopped_ = true;
  io_->restart();
  io_->poll();  // what the thread did not come to; nobody is told any more
  waiting_.clear();
  return under_way_;
}

void HttpThread::begin() {
  const std::lock_guard lock(mutex_);
  ++under_way_;
}

void HttpThread::end() {
  const std::lock_guard lock(mutex_);
  --under_way_;
  idle_.notify_all();
}

}  // namespace wxpush::sink
