#pragma once
// The server's side of TLS on a socket: OpenSSL reads from it and writes to it itself, without
// buffers in between. Asio's stream keeps 71 kB for each connection; this keeps what OpenSSL needs
// while a record is on its way.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace wxpush::crypto {

// One task at a time; ended from elsewhere on the socket's thread by cancelling or closing the
// socket, which whoever waits then learns as an error.
class TlsStream {
 public:
  using Executor = boost::asio::io_context::executor_type;
  using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;
  using Error = boost::system::error_code;
  template <class T>
  using Awaitable = boost::asio::awaitable<T, Executor>;

  explicit TlsStream(Socket socket);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  static constexpr bool tls = true;

  // First of all: until then a connection takes little memory. `context` gives certificate and
  // settings; what is needed of it is kept. Throws std::bad_alloc.
  Awaitable<Error> handshake(SSL_CTX* context);
  // At least one byte, or an error; asio::error::eof where the peer said that it ends, or just
  // ended. `into` holds at most 16 KiB.
  Awaitable<std::pair<Error, std::size_t>> read_some(boost::asio::mutable_buffer into);
  Awaitable<Error> write(std::string_view bytes);  // all of them
  // Does not wait for the peer's, and says nothing to one that ended without a word.
  Awaitable<Error> say_goodbye();

  Socket& socket() noexcept { return socket_; }
  bool greeted() const;      // the peer has sent something
  bool holds_bytes() const;  // that were read from the socket and from nobody here yet

  // How much more may be read before others have their turn: a peer that keeps its socket full (of
  // requests, or of records that carry none) must not keep the thread, nor its deadlines, to
  // itself.
  std::size_t& left_of_this_turn() noexcept { return left_of_this_turn_; }
  // For OpenSSL, of what was received last: as much as there is. 0: nothing.
  std::size_t hand_on(std::span<char> into) noexcept;

 private:
  struct Free {
    void operator()(SSL* connection) const noexcept;
  };

  void open(SSL_CTX* context);
  // What the last call said: whether it is to be made again after waiting.
  Awaitable<Error> after(int result);

  static constexpr std::size_t bytes_of_a_turn = 16384;

  Socket socket_;
  std::size_t left_of_this_turn_ = bytes_of_a_turn;
  std::string_view received_;  // by the read under way, and not handed on
  bool gone_ = false;          // the peer ended, and did not say so
  std::unique_ptr<SSL, Free> connection_;
};

}  // namespace wxpush::crypto
