#pragma once
// Listening sockets and the acceptor that deals their connections to the I/O threads.

#include "config/settings.h"
#include "server/connection_limits.h"
#include "server/io_threads.h"
#include "server/session.h"

#include <memory>
#include <string>
#include <vector>

namespace wxpush::server {

// One address. Bound by the constructor, which throws StartError (service.h): 69 address in use or
// not ours, 77 no permission. accept() begins to take connections, on `acceptor`'s thread; close()
// ends that. Both are called once, from any thread; it is destroyed only after acceptor's context
// has stopped.
class Listener {
 public:
  Listener(boost::asio::io_context& acceptor, const config::ListenAddress& address,
           unsigned unix_mode, IoThreads& threads, SessionHost& host, ConnectionLimits& limits);
  ~Listener();
  void accept();
  void close();
  std::string address() const;  // with the real port

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace wxpush::server
