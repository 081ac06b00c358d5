#pragma once
// What the HTTP client is made of: its connections, and alarms. For http_client.cpp alone.

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace wxpush::sink {

// One connection, with TLS or without.
struct Connection {
  using Socket = boost::asio::generic::stream_protocol::socket;

  Connection(Socket socket, boost::asio::ssl::context* context) {
    if (context != nullptr) {
      secure.emplace(std::move(socket), *context);
    } else {
      plain.emplace(std::move(socket));
    }
  }
  Socket& socket() { return secure ? secure->next_layer() : *plain; }
  void close() {
    boost::system::error_code ignored;
    socket().close(ignored);
  }

  // Whether the peer has neither closed it nor said anything since its last answer. What it said
  // unasked would be read as the next request's answer. Nothing else may be under way on it.
  bool silent() {
    boost::system::error_code error;
    socket().non_blocking(true, error);
    if (error) return false;
    char byte = 0;
    const auto any = boost::asio::buffer(&byte, 1);
    if (secure) {
      secure->read_some(any, error);  // takes in session tickets as well: they are no answer
    } else {
      plain->read_some(any, error);
    }
    return error == boost::asio::error::would_block;
  }

  std::optional<Socket> plain;
  std::optional<boost::asio::ssl::stream<Socket>> secure;
  std::chrono::steady_clock::time_point made;
  bool reusable = false;  // for another request, as far as the last answer tells
  boost::beast::flat_buffer buffer;
};

// Calls `ring` when the time is over or the timer is cancelled, unless the alarm is gone by then:
// the timer's own handler runs later than that.
class Alarm {
 public:
  Alarm(boost::asio::io_context& io, std::chrono::steady_clock::duration time,
        std::function<void()> ring)
      : timer_(io, time), ring_(std::make_shared<std::function<void()>>(std::move(ring))) {
    timer_.async_wait([ring = ring_](const boost::system::error_code&) {
      if (*ring) (*ring)();
    });
  }
  ~Alarm() { *ring_ = nullptr; }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  boost::asio::steady_timer& timer() { return timer_; }

 private:
  boost::asio::steady_timer timer_;
  const std::shared_ptr<std::function<void()>> ring_;
};

}  // namespace wxpush::sink
