#pragma once
// The acceptor that deals the connections of a listening socket to the I/O threads.

#include "server/connection_limits.h"
#include "server/io_threads.h"
#include "server/listen_socket.h"
#include "server/session.h"

#include <memory>
#include <string>

namespace wxpush::server {

// One address. accept() begins to take connections, on `acceptor`'s thread; close() ends that, and
// closes the socket: a socket that others hold, too, goes on to queue connections for them. Both
// are called once, from any thread; it is destroyed only after acceptor's context has stopped.
class Listener {
 public:
  // Throws StartError 69 if the socket cannot be used.
  Listener(boost::asio::io_context& acceptor, ListenSocket socket, IoThreads& threads,
           SessionHost& host, ConnectionLimits& limits);
  void accept();
  void close();
  // Returns when the socket is closed, its file gone, and every connection that was accepted dealt
  // to its thread. The acceptor's thread must be running, and not be the caller.
  void close_and_wait();
  std::string address() const;  // with the real port

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace wxpush::server
