#include "handlers/sink/http_client.h"

#include "crypto/tls/context.h"
#include "handlers/sink/public_address.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <list>
#include <utility>
#include <vector>

namespace wxpush::sink {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using Request = http::request<http::string_body>;
using Kind = HttpFailure::Kind;

constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_result{};
constexpr std::uint32_t largest_header = 16U << 10;
constexpr std::chrono::seconds connection_life{60};

HttpFailure trouble(Kind kind, const char* doing, const std::string& what) {
  HttpFailure failure;
  failure.kind = kind;
  failure.error = std::string(doing) + ": " + what;
  return failure;
}

// One connection, with TLS or without.
struct Connection {
  Connection(Socket socket, asio::ssl::context* context) {
    if (context != nullptr) {
      secure.emplace(std::move(socket), *context);
    } else {
      plain.emplace(std::move(socket));
    }
  }
  Socket& socket() { return secure ? secure->next_layer() : *plain; }
  void close() {
    error_code ignored;
    socket().close(ignored);
  }

  std::optional<Socket> plain;
  std::optional<asio::ssl::stream<Socket>> secure;
  SteadyTime made;
  boost::beast::flat_buffer buffer;
};
using ConnectionPtr = std::unique_ptr<Connection>;

class Client final : public HttpClient, public std::enable_shared_from_this<Client> {
 public:
  Client(asio::io_context& io, HttpPeer peer, Clock& clock)
      : io_(io), peer_(std::move(peer)), clock_(clock) {
    if (peer_.url.scheme != Scheme::https) return;
    context_.emplace(crypto::make_client_context(peer_.ca_file.string(), false));
    if (!peer_.certificate.empty()) {
      crypto::use_identity(*context_, peer_.certificate.string(), peer_.private_key.string());
    }
  }

  void exchange(HttpRequest request, std::chrono::milliseconds timeout,
                std::function<void(HttpResult)> done) override {
    asio::co_spawn(io_, run(shared_from_this(), std::move(request), timeout, std::move(done)),
                   [](const std::exception_ptr&) {});  // run() lets none out but done's
  }

  void stop() override {
    stopped_ = true;
    kept_.clear();
    for (auto* one : timers_) one->cancel();
  }

 private:
  // `self` stands for `this`, which lives as long as the coroutine's frame.
  static asio::awaitable<void> run(std::shared_ptr<Client> self, HttpRequest request,
                                   std::chrono::milliseconds timeout,
                                   std::function<void(HttpResult)> done) {
    HttpResult result;
    try {
      const auto wire = self->to_beast(std::move(request));
      result = co_await self->timed(wire, timeout);
    } catch (const std::exception& error) {
      result = trouble(Kind::broken, "unexpected", error.what());
    }
    done(std::move(result));
  }

  Request to_beast(HttpRequest&& request) const {
    Request wire{http::verb::post, request.target, 11};
    wire.set(http::field::host,
             peer_.url.scheme == Scheme::unix_socket ? "localhost" : authority(peer_.url));
    wire.set(http::field::user_agent, "wxpush");
    for (const auto& [name, value] : request.headers) wire.set(name, value);
    wire.body() = std::move(request.body);
    wire.prepare_payload();
    return wire;
  }

  // The timer bounds everything: at its end it closes the connection under all that waits for it.
  asio::awaitable<HttpResult> timed(const Request& request, std::chrono::milliseconds timeout) {
    ConnectionPtr connection;
    asio::ip::tcp::resolver resolver(io_);
    bool late = false;
    asio::steady_timer timer(io_, timeout);
    const auto place = timers_.insert(timers_.end(), &timer);
    auto watch = std::make_shared<bool>(true);
    timer.async_wait([&, watch](const error_code&) {
      if (!*watch) return;
      late = true;
      resolver.cancel();
      if (connection) connection->close();
    });
    // Also if an exception ends this frame: the timer's handler runs later, and must not touch it.
    struct Guard {
      std::list<asio::steady_timer*>& timers;
      std::list<asio::steady_timer*>::iterator place;
      std::shared_ptr<bool> watch;
      ~Guard() {
        *watch = false;
        timers.erase(place);
      }
    };
    const Guard guard{timers_, place, watch};
    HttpResult result = co_await attempt(request, connection, resolver, late);
    if (late) tell_late(result, timeout);
    if (connection && std::holds_alternative<HttpAnswer>(result) && !late)
      keep(std::move(connection));
    co_return result;
  }

  void tell_late(HttpResult& result, std::chrono::milliseconds timeout) const {
    HttpFailure failure;
    failure.kind = Kind::late;
    failure.error = stopped_ ? "cut off by the end of the process"
                             : "no answer within " + std::to_string(timeout.count()) + " ms";
    if (auto* answer = std::get_if<HttpAnswer>(&result)) {
      if (answer->incomplete) answer->incomplete = std::move(failure);
    } else {
      result = std::move(failure);
    }
  }

  // A kept connection may have been closed meanwhile: that is no failure of the back end, so a
  // fresh one gets its turn.
  asio::awaitable<HttpResult> attempt(const Request& request, ConnectionPtr& connection,
                                      asio::ip::tcp::resolver& resolver, const bool& late) {
    connection = take_kept();
    if (connection) {
      auto result = co_await send(request, connection);
      if (std::holds_alternative<HttpAnswer>(result) || late) co_return result;
      connection.reset();
    }
    auto failure = co_await connect(connection, resolver, late);
    if (failure) co_return std::move(*failure);
    co_return co_await send(request, connection);
  }

  asio::awaitable<std::optional<HttpFailure>> connect(ConnectionPtr& connection,
                                                      asio::ip::tcp::resolver& resolver,
                                                      const bool& late) {
    std::vector<asio::generic::stream_protocol::endpoint> places;
    if (peer_.url.scheme == Scheme::unix_socket) {
      places.emplace_back(asio::local::stream_protocol::endpoint(peer_.url.socket));
    } else {
      const auto [error, found] = co_await resolver.async_resolve(
          peer_.url.host, std::to_string(peer_.url.port), as_result);
      if (error)
        co_return trouble(Kind::unreachable, "name", peer_.url.host + ": " + error.message());
      for (const auto& one : found) {
        if (peer_.allow_private || is_public_address(one.endpoint().address().to_string()))
          places.emplace_back(one.endpoint());
      }
      if (places.empty())
        co_return trouble(Kind::unreachable, "name",
                          peer_.url.host + " is no public address, and allow_private = false");
    }
    error_code last;
    for (const auto& place : places) {
      if (late) break;  // a closed socket would open itself again
      Socket socket(io_);
      auto candidate =
          std::make_unique<Connection>(std::move(socket), context_ ? &*context_ : nullptr);
      connection = std::move(candidate);
      const auto [error] = co_await connection->socket().async_connect(place, as_result);
      last = error;
      if (!error) break;
    }
    if (last || late) {
      connection.reset();
      co_return trouble(Kind::unreachable, "connect", late ? "too late" : last.message());
    }
    co_return co_await greet(connection);
  }

  asio::awaitable<std::optional<HttpFailure>> greet(ConnectionPtr& connection) {
    connection->made = clock_.steady();
    if (peer_.url.scheme != Scheme::unix_socket) {
      error_code ignored;
      connection->socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    }
    if (connection->secure) {
      crypto::expect_peer(connection->secure->native_handle(), peer_.url.host);
      const auto [error] =
          co_await connection->secure->async_handshake(asio::ssl::stream_base::client, as_result);
      if (error) co_return trouble(Kind::unreachable, "TLS", error.message());
    }
    co_return std::nullopt;
  }

  asio::awaitable<HttpResult> send(const Request& request, ConnectionPtr& connection) {
    if (connection->secure) co_return co_await send_over(*connection->secure, request, connection);
    co_return co_await send_over(*connection->plain, request, connection);
  }

  template <class Stream>
  asio::awaitable<HttpResult> send_over(Stream& stream, const Request& request,
                                        ConnectionPtr& connection) {
    const auto [write_error, written] = co_await http::async_write(stream, request, as_result);
    if (write_error) co_return trouble(Kind::broken, "send", write_error.message());
    std::optional<http::response_parser<http::string_body>> parser;
    do {  // an interim answer (1xx) is not the answer
      parser.emplace();
      parser->header_limit(largest_header);
      parser->body_limit(boost::none);  // or a long body would hide the status
      const auto [head_error, head] =
          co_await http::async_read_header(stream, connection->buffer, *parser, as_result);
      if (head_error) co_return trouble(Kind::broken, "receive", head_error.message());
    } while (parser->get().result_int() < 200);
    // The status stands, whatever becomes of the body; but a connection with a rest in it is of no
    // use.
    auto& message = parser->get();
    HttpAnswer answer;
    answer.status = message.result_int();
    answer.content_type = std::string(message[http::field::content_type]);
    answer.retry_after = std::string(message[http::field::retry_after]);
    answer.incomplete = too_long(parser->content_length().value_or(0));
    if (!answer.incomplete) {
      parser->body_limit(peer_.largest_answer);
      const auto [error, size] =
          co_await http::async_read(stream, connection->buffer, *parser, as_result);
      if (error == http::error::body_limit) {
        answer.incomplete = too_long(peer_.largest_answer + 1);
      } else if (error) {
        answer.incomplete = trouble(Kind::broken, "receive", error.message());
      }
    }
    if (answer.incomplete || !message.keep_alive()) connection->made = SteadyTime{};
    answer.body = std::move(message.body());
    co_return answer;
  }

  std::optional<HttpFailure> too_long(std::uint64_t size) const {
    if (size <= peer_.largest_answer) return std::nullopt;
    return trouble(Kind::too_large, "receive",
                   "the answer has more than " + std::to_string(peer_.largest_answer) + " bytes");
  }

  ConnectionPtr take_kept() {
    const auto now = clock_.steady();
    while (!kept_.empty()) {
      auto connection = std::move(kept_.back());
      kept_.pop_back();
      if (now - connection->made < connection_life) return connection;
    }
    return nullptr;
  }
  void keep(ConnectionPtr connection) {
    if (stopped_ || clock_.steady() - connection->made >= connection_life) return;
    if (kept_.size() < peer_.connections) kept_.push_back(std::move(connection));
  }

  asio::io_context& io_;
  const HttpPeer peer_;
  Clock& clock_;
  std::optional<asio::ssl::context> context_;
  std::vector<ConnectionPtr> kept_;
  std::list<asio::steady_timer*> timers_;  // of the exchanges under way
  bool stopped_ = false;
};

}  // namespace

std::string target_of(const Url& url) {
  std::string target = url.path.empty() ? "/" : url.path;
  if (!url.query.empty()) target += "?" + url.query;
  return target;
}

std::shared_ptr<HttpClient> make_http_client(asio::io_context& io, HttpPeer peer, Clock& clock) {
  return std::make_shared<Client>(io, std::move(peer), clock);
}

}  // namespace wxpush::sink
