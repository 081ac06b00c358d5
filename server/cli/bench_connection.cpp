#include "server/cli/bench_connection.h"

#include "crypto/tls/context.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace wxpush::cli {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr const char* end_of_stream = "end of stream";

std::string reason_of(int error) {
  return std::generic_category().message(error);
}

}  // namespace

struct BenchConnection::Wire {
  std::unique_ptr<SSL, void (*)(SSL*)> ssl{nullptr, SSL_free};
  std::array<char, 16384> bytes;
  std::size_t size = 0;
  std::optional<http::response_parser<http::string_body>> parser;
};

BenchConnection::BenchConnection(asio::io_context& context, asio::ssl::context* tls,
                                 std::string host, Owner& owner)
    : socket_(context),
      tls_(tls),
      host_(std::move(host)),
      owner_(owner),
      wire_(std::make_unique<Wire>()) {}

BenchConnection::~BenchConnection() = default;

void BenchConnection::open(const Endpoint& endpoint) {
  close();
  state_ = State::connecting;
  error_code error;
  socket_.open(endpoint.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (!error && endpoint.protocol().family() != AF_UNIX)
    socket_.set_option(asio::ip::tcp::no_delay(true), error);
  if (error) return fail(error.message());
  socket_.async_connect(endpoint, [this, opened = opened_](const error_code& failed) {
    if (opened != opened_) return;
    if (failed) return fail(failed.message());
    if (tls_ == nullptr) return finish();
    wire_->ssl.reset(SSL_new(tls_->native_handle()));
    crypto::expect_peer(wire_->ssl.get(), host_);
    SSL_set_read_ahead(wire_->ssl.get(), 1);  // a record in one read
    SSL_set_fd(wire_->ssl.get(), socket_.native_handle());
    state_ = State::greeting;
    proceed();
  });
}

std::string BenchConnection::protocol() const {
  const SSL* ssl = wire_->ssl.get();
  return ssl == nullptr ? "" : std::string(SSL_get_version(ssl)) + ' ' + SSL_get_cipher_name(ssl);
}

void BenchConnection::push(std::string request) {
  request_ = std::move(request);
  sent_ = 0;
  wire_->size = 0;
  wire_->parser.emplace();
  wire_->parser->eager(true);
  state_ = State::sending;
  proceed();
}

void BenchConnection::close() {
  ++opened_;
  state_ = State::closed;
  wire_->ssl.reset();
  error_code ignored;
  socket_.close(ignored);
}

void BenchConnection::time_out() {
  fail("timeout");
}

// As far as it goes without waiting.
void BenchConnection::proceed() {
  Outcome outcome = Outcome::done;
  if (state_ == State::greeting) outcome = greet();
  if (state_ == State::sending) {
    outcome = send();
    // The answer is not there yet: it is not looked for before the socket says so.
    if (outcome == Outcome::done) {
      state_ = State::receiving;
      outcome = Outcome::wait_to_read;
    }
  } else if (state_ == State::receiving) {
    outcome = receive();
  }
  if (outcome == Outcome::done) return finish();
  if (outcome == Outcome::failed) return fail(why_);
  wait(outcome);
}

void BenchConnection::wait(Outcome outcome) {
  const auto what = outcome == Outcome::wait_to_read ? asio::socket_base::wait_read
                                                     : asio::socket_base::wait_write;
  socket_.async_wait(what, [this, opened = opened_](const error_code& failed) {
    if (opened != opened_) return;
    if (failed) return fail(failed.message());
    proceed();
  });
}

BenchConnection::Outcome BenchConnection::greet() {
  const int returned = SSL_connect(wire_->ssl.get());
  return returned == 1 ? Outcome::done : judge(returned);
}

BenchConnection::Outcome BenchConnection::send() {
  while (sent_ < request_.size()) {
    const char* from = request_.data() + sent_;
    const std::size_t left = request_.size() - sent_;
    const auto returned =
        wire_->ssl ? SSL_write(wire_->ssl.get(), from, static_cast<int>(left))
                   : static_cast<int>(::send(socket_.native_handle(), from, left, MSG_NOSIGNAL));
    if (returned <= 0) return judge(returned);
    sent_ += static_cast<std::size_t>(returned);
  }
  return Outcome::done;
}

BenchConnection::Outcome BenchConnection::read_some(std::size_t& size) {
  char* to = wire_->bytes.data() + wire_->size;
  const std::size_t room = wire_->bytes.size() - wire_->size;
  const auto returned = wire_->ssl ? SSL_read(wire_->ssl.get(), to, static_cast<int>(room))
                                   : static_cast<int>(::recv(socket_.native_handle(), to, room, 0));
  if (returned <= 0) return judge(returned);
  size = static_cast<std::size_t>(returned);
  return Outcome::done;
}

BenchConnection::Outcome BenchConnection::receive() {
  Wire& answer = *wire_;
  while (!answer.parser->is_done()) {
    std::size_t size = 0;
    const Outcome outcome = read_some(size);
    error_code error;
    if (outcome == Outcome::failed && why_ == end_of_stream && answer.parser->got_some()) {
      answer.parser->put_eof(error);
      if (!error) break;  // an answer that ends with its connection
    }
    if (outcome != Outcome::done) return outcome;
    answer.size += size;
    const std::size_t used =
        answer.parser->put(asio::const_buffer(answer.bytes.data(), answer.size), error);
    const bool more = error == http::error::need_more;
    if ((error && !more) || (more && used == 0 && answer.size == answer.bytes.size())) {
      why_ = more ? "an answer that is too long" : error.message();
      return Outcome::failed;
    }
    std::copy(answer.bytes.data() + used, answer.bytes.data() + answer.size, answer.bytes.data());
    answer.size -= used;
  }
  return Outcome::done;
}

// What a read or write that did not succeed has to say.
BenchConnection::Outcome BenchConnection::judge(int returned) {
  const int error = errno;
  if (!wire_->ssl) {
    if (returned < 0 && (error == EAGAIN || error == EWOULDBLOCK))
      return state_ == State::sending ? Outcome::wait_to_write : Outcome::wait_to_read;
    why_ = returned == 0 ? end_of_stream : reason_of(error);
    return Outcome::failed;
  }
  switch (SSL_get_error(wire_->ssl.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return Outcome::wait_to_read;
    case SSL_ERROR_WANT_WRITE:
      return Outcome::wait_to_write;
    case SSL_ERROR_ZERO_RETURN:
      why_ = end_of_stream;
      return Outcome::failed;
    case SSL_ERROR_SYSCALL:
      why_ = error == 0 ? end_of_stream : reason_of(error);
      return Outcome::failed;
    default:
      why_ =
          error_code(static_cast<int>(ERR_get_error()), asio::error::get_ssl_category()).message();
      return Outcome::failed;
  }
}

void BenchConnection::finish() {
  const bool opening = state_ != State::receiving;
  state_ = State::idle;
  if (opening) return owner_.opened(*this);
  const auto& message = wire_->parser->get();
  const int status = static_cast<int>(message.result_int());
  if (!message.keep_alive()) close();
  owner_.answered(*this, status);
}

void BenchConnection::fail(const std::string& why) {
  const char* step = state_ == State::connecting ? "connect"
                     : state_ == State::greeting ? "TLS"
                     : state_ == State::sending  ? "send"
                                                 : "receive";
  ERR_clear_error();  // or the next connection would find it
  close();
  owner_.failed(*this, step, why);
}

}  // namespace wxpush::cli
