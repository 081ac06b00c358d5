#include "crypto/tls/tls_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <sys/socket.h>

namespace wxpush::crypto {
namespace {

namespace asio = boost::asio;
constexpr asio::as_tuple_t<asio::use_awaitable_t<TlsStream::Executor>> as_result{};

// OpenSSL's own socket BIO writes with write(2), and a peer that has gone is a SIGPIPE then. And it
// would go on with the number of a socket that was closed, which may be another's by now.
int descriptor_of(BIO* bio) {
  return static_cast<TlsStream*>(BIO_get_data(bio))->socket().native_handle();  // -1 if closed
}

int read_socket(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
  if (const std::size_t received = stream.hand_on({into, static_cast<std::size_t>(size)}))
    return static_cast<int>(received);
  std::size_t& turn = stream.left_of_this_turn();
  if (turn == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  ssize_t got = 0;
  do {
    got = ::recv(descriptor_of(bio), into, std::min(static_cast<std::size_t>(size), turn), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  if (got > 0) turn -= static_cast<std::size_t>(got);
  return static_cast<int>(got);
}

int write_socket(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  ssize_t sent = 0;
  do {
    sent = ::send(descriptor_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long control_socket(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// Lives as long as the program.
BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_ctrl(made, control_socket);
    return made;
  }();
  return method;
}

// Where there are none, as nearly always, asking is cheaper than clearing.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
  errno = 0;
}

TlsStream::Error failure(int reason) {
  if (reason == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code != 0) return {static_cast<int>(code), asio::error::get_ssl_category()};
  if (reason == SSL_ERROR_SYSCALL && errno != 0) return {errno, boost::system::system_category()};
  return asio::error::eof;
}

}  // namespace

void TlsStream::Free::operator()(SSL* connection) const noexcept {
  SSL_free(connection);
}

TlsStream::TlsStream(Socket socket) : socket_(std::move(socket)) {}

void TlsStream::open(SSL_CTX* context) {
  connection_.reset(SSL_new(context));
  BIO* const bio = connection_ ? BIO_new(socket_method()) : nullptr;
  if (bio == nullptr) throw std::bad_alloc();
  Error ignored;
  socket_.native_non_blocking(true, ignored);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(connection_.get(), bio, bio);  // owns it
  SSL_set_accept_state(connection_.get());
  SSL_set_read_ahead(connection_.get(), 1);  // a record's head and body with one call
  SSL_set_mode(connection_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
}

TlsStream::~TlsStream() = default;

bool TlsStream::greeted() const {
  return connection_ && BIO_number_read(SSL_get_rbio(connection_.get())) > 0;
}

bool TlsStream::holds_bytes() const {
  return connection_ && SSL_has_pending(connection_.get()) == 1;
}

TlsStream::Awaitable<TlsStream::Error> TlsStream::after(int result) {
  const int reason = SSL_get_error(connection_.get(), result);
  if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) co_return failure(reason);
  const auto [error] = co_await socket_.async_wait(
      reason == SSL_ERROR_WANT_READ ? Socket::wait_read : Socket::wait_write, as_result);
  left_of_this_turn_ = bytes_of_a_turn;
  co_return error;
}

TlsStream::Awaitable<TlsStream::Error> TlsStream::handshake(SSL_CTX* context) {
  open(context);
  for (;;) {
    forget_errors();
    const int result = SSL_do_handshake(connection_.get());
    if (result == 1) co_return Error{};
    const Error error = co_await after(result);
    if (error) co_return error;
  }
}

std::size_t TlsStream::hand_on(std::span<char> into) noexcept {
  const std::size_t size = std::min(into.size(), received_.size());
  std::copy_n(received_.begin(), size, into.begin());
  received_.remove_prefix(size);
  return size;
}

TlsStream::Awaitable<std::pair<TlsStream::Error, std::size_t>> TlsStream::read_some(
    asio::mutable_buffer into) {
  // Nobody sends the next request before the last one was answered: asking first would be in vain.
  // What comes is received into the caller's buffer, from where OpenSSL takes it: to wait first and
  // then receive is a call of the kernel more.
  if (!holds_bytes()) {
    const auto [error, size] = co_await socket_.async_read_some(into, as_result);
    gone_ = error == asio::error::eof;
    if (error) co_return std::pair{error, std::size_t{0}};
    received_ = {static_cast<const char*>(into.data()), size};
    left_of_this_turn_ = bytes_of_a_turn;
  }
  for (;;) {
    forget_errors();
    std::size_t got = 0;
    const int result = SSL_read_ex(connection_.get(), into.data(), into.size(), &got);
    // OpenSSL takes all of it before it decrypts: its own buffer is larger. If ever it did not, the
    // rest would lie beneath what was decrypted.
    if (!std::exchange(received_, {}).empty())
      co_return std::pair{Error{asio::error::no_buffer_space}, std::size_t{0}};
    if (result == 1) co_return std::pair{Error{}, got};
    const Error error = co_await after(result);
    if (error) co_return std::pair{error, std::size_t{0}};
  }
}

TlsStream::Awaitable<TlsStream::Error> TlsStream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    forget_errors();
    std::size_t sent = 0;
    const int result = SSL_write_ex(connection_.get(), bytes.data(), bytes.size(), &sent);
    if (result == 1) {
      bytes.remove_prefix(sent);
      continue;
    }
    const Error error = co_await after(result);
    if (error) co_return error;
  }
  co_return Error{};
}

TlsStream::Awaitable<TlsStream::Error> TlsStream::say_goodbye() {
  if (gone_) co_return Error{};
  for (;;) {
    forget_errors();
    const int result = SSL_shutdown(connection_.get());
    if (result >= 0) co_return Error{};
    const Error error = co_await after(result);
    if (error) co_return error;
  }
}

}  // namespace wxpush::crypto
