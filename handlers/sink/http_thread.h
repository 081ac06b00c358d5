#pragma once
// The thread on which HTTP clients work: its io_context, what is under way on it, and its end.

#include "handlers/sink/http_client.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace wxpush::sink {

class HttpThread {
 public:
  enum class Work { answers, deliveries };  // the latter give way (thread_priority.h)
  explicit HttpThread(Work work = Work::answers);
  ~HttpThread();  // stop(0); does not wait for names being looked up
  HttpThread(const HttpThread&) = delete;
  HttpThread& operator=(const HttpThread&) = delete;

  // A client of this thread, which must outlive it. Let go of it on any thread: it goes when
  // nothing of it is under way. Throws like make_http_client; not thread-safe.
  std::shared_ptr<HttpClient> make_client(HttpPeer peer, Clock& clock);

  // Begins an exchange and returns; thread-safe. `done` is called on this thread, exactly once, or
  // never if stop() came first.
  void exchange(std::shared_ptr<HttpClient> client, HttpRequest request,
                std::chrono::milliseconds timeout, std::function<void(HttpResult)> done);

  // Begins to cut off what is under way, and returns at once. Not thread-safe, like stop().
  void cut_off();
  // Waits until the deadline for what is under way, then cuts it off; what it was good for is then
  // not known. Answers how many exchanges could not be cut off: names being looked up. Idempotent.
  std::size_t stop(std::chrono::milliseconds deadline);

 private:
  void begin();
  void end();

  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>(1);
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_->get_executor()};
  std::vector<std::weak_ptr<HttpClient>> clients_;
  std::optional<std::chrono::steady_clock::time_point> cut_off_at_;

  // The thread's own. What is to be called lies here and not in `io_`, which may outlive us.
  std::list<std::function<void(HttpResult)>> waiting_;
  bool stopped_ = false;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t under_way_ = 0;
  std::thread thread_;
};

}  // namespace wxpush::sink
