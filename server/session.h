#pragma once
// One connection, from accept to close. The stream type is a template parameter of the
// implementation (session.cpp), so that another TLS stream can take the place of Asio's; this
// header shows none of it.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/queue.h"
#include "server/confirmations.h"
#include "server/endpoint.h"
#include "server/handshake_result.h"
#include "server/large_bodies.h"
#include "server/peer.h"
#include "server/request_reader.h"
#include "server/shared_value.h"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace wxpush::server {

class IoThread;

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;

struct SessionSettings {
  RequestLimits limits;
  std::chrono::milliseconds handshake_timeout{5000};
  std::chrono::milliseconds header_timeout{3000};
  std::chrono::milliseconds idle_timeout{75000};
  std::chrono::milliseconds request_deadline{3500};
  std::uint64_t max_bodies = 64ULL << 20;  // of large ones, all connections together
  // While somebody takes our place: for the first bytes of a connection that was just accepted, and
  // that he will not see.
  std::chrono::milliseconds first_bytes{500};
};

// What sessions tell. Called on I/O threads.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  // A request was answered (or given up: verdict timeout). `took` from its first byte, or from
  // accept for a connection's first.
  virtual void answered(const PushReport& report, const Peer& peer, std::string_view forwarded_for,
                        const queue::Appended* appended, std::chrono::nanoseconds took) = 0;
  virtual void handshake(HandshakeResult result) = 0;
  // A connection was closed at once because of a limit. Called on the acceptor's thread.
  virtual void turned_away(const Peer& peer, bool by_address) = 0;
};

// What all sessions of a listener share; outlives them.
struct SessionHost {
  SessionSettings settings;
  Endpoint& endpoint;
  queue::Queue* queue;  // null for an endpoint that never appends
  Clock& clock;
  Log& log;
  SessionObserver& observer;
  SharedValue<boost::asio::ssl::context> tls{};  // null: no TLS on this listener
  boost::asio::thread_pool* worker = nullptr;    // null for an endpoint without long work
  Confirmations* confirmations = nullptr;        // null where no acknowledgement waits for them
  LargeBodies large_bodies{settings.max_bodies};
  std::atomic<bool> closing{false};   // each answer is the last of its connection
  std::atomic<bool> draining{false};  // and nobody waits for a further request
};

// Serves the connection on `thread`, whose io_context is the socket's, and on which this must be
// called; `ended` is called there when it is over.
void serve_connection(SessionHost& host, IoThread& thread, Socket socket, Peer peer,
                      SteadyTime accepted, std::function<void()> ended);

}  // namespace wxpush::server
