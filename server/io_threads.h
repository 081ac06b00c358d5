#pragma once
// N threads, each with its own io_context: a connection is dealt to one and never crosses to
// another.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "server/deadlines.h"
#include "server/decisions.h"
#include "server/handshake_turns.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace wxpush::server {

class IoThread {
 public:
  IoThread(Clock& clock, Log& log);
  ~IoThread();  // stop() must have been called
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void start(std::string name);
  void stop();  // ends the context at once and joins; idempotent

  boost::asio::io_context context{1};
  Deadlines deadlines;   // touched on this thread only
  HandshakeTurns turns;  // likewise
  Decisions decisions{context};
  std::atomic<std::size_t> connections{0};  // counted by the listener

 private:
  void tick();

  Clock& clock_;
  Log& log_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  std::thread thread_;
};

class IoThreads {
 public:
  IoThreads(std::size_t count, Clock& clock, Log& log);
  void start(const std::string& name);  // of its threads, which are numbered if there are several
  void stop();
  IoThread& least_loaded();
  std::size_t connections() const;
  void hand_over();  // what was decided about requests (decisions.h)
  void drain();      // asks every connection to finish
  void abort();      // closes every connection

 private:
  std::vector<std::unique_ptr<IoThread>> threads_;
};

}  // namespace wxpush::server
