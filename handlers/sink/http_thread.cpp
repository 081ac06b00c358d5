#include "handlers/sink/http_thread.h"

#include <boost/asio/post.hpp>

#include <utility>

namespace wxpush::sink {
namespace {

// For what was cut off to notice it.
constexpr std::chrono::milliseconds cut_off_grace{20};

}  // namespace

HttpThread::HttpThread() {
  thread_ = std::thread([this] { io_.run(); });
}

std::shared_ptr<HttpClient> HttpThread::make_client(HttpPeer peer, Clock& clock) {
  auto client = make_http_client(io_, std::move(peer), clock);
  std::erase_if(clients_, [](const auto& one) { return one.expired(); });
  clients_.emplace_back(client);
  return client;
}

void HttpThread::exchange(std::shared_ptr<HttpClient> client, HttpRequest request,
                          std::chrono::milliseconds timeout, std::function<void(HttpResult)> done) {
  boost::asio::post(io_, [this, client = std::move(client), request = std::move(request), timeout,
                          done = std::move(done)]() mutable {
    if (stopped_) return;
    begin();
    client->exchange(std::move(request), timeout,
                     [this, done = std::move(done)](HttpResult result) {
                       if (!stopped_) done(std::move(result));
                       end();
                     });
  });
}

std::size_t HttpThread::stop(std::chrono::milliseconds deadline) {
  if (!thread_.joinable()) return 0;
  {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, deadline, [this] { return under_way_ == 0; });
  }
  boost::asio::post(io_, [this] {
    stopped_ = true;
    for (const auto& one : clients_) {
      if (const auto client = one.lock()) client->stop();
    }
  });
  work_.reset();
  std::size_t left = 0;
  {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, cut_off_grace, [this] { return under_way_ == 0; });
    left = under_way_;
  }
  io_.stop();
  thread_.join();
  return left;
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
