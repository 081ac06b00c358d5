#include "handlers/sink/http_client.h"

#include "crypto/tls/context.h"
#include "handlers/sink/http_connection.h"
#include "handlers/sink/public_address.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <list>
#include <string_view>
#include <utility>
#include <vector>

namespace wxpush::sink {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Place = asio::generic::stream_protocol::endpoint;
using Request = http::request<http::string_body>;
using Parser = http::response_parser<http::string_body>;
using Kind = HttpFailure::Kind;

constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_result{};
constexpr std::uint32_t largest_header = 16U << 10;
constexpr std::size_t read_size = 4096;
constexpr std::chrono::seconds connection_life{60};

HttpFailure trouble(Kind kind, const char* doing, const std::string& what) {
  HttpFailure failure;
  failure.kind = kind;
  failure.error = std::string(doing) + ": " + what;
  return failure;
}

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

  // One exchange under way.
  struct Exchange {
    explicit Exchange(asio::io_context& io) : resolver(io) {}
    ConnectionPtr connection;
    asio::ip::tcp::resolver resolver;
    std::chrono::steady_clock::time_point end;
    bool late = false;
  };

  // The alarm bounds everything: it closes the connection under all that waits for it.
  asio::awaitable<HttpResult> timed(const Request& request, std::chrono::milliseconds timeout) {
    Exchange exchange(io_);
    Alarm alarm(io_, timeout, [&exchange] {
      exchange.late = true;
      exchange.resolver.cancel();
      if (exchange.connection) exchange.connection->close();
    });
    exchange.end = alarm.timer().expiry();
    const auto place = timers_.insert(timers_.end(), &alarm.timer());
    struct Guard {  // also if an exception ends this frame
      std::list<asio::steady_timer*>& timers;
      std::list<asio::steady_timer*>::iterator place;
      ~Guard() { timers.erase(place); }
    };
    const Guard guard{timers_, place};
    HttpResult result = co_await attempt(request, exchange);
    if (exchange.late) {
      tell_late(result, timeout);
    } else if (exchange.connection && std::holds_alternative<HttpAnswer>(result)) {
      keep(std::move(exchange.connection));
    }
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
  asio::awaitable<HttpResult> attempt(const Request& request, Exchange& exchange) {
    exchange.connection = take_kept();
    if (exchange.connection) {
      auto result = co_await send(request, exchange.connection);
      if (std::holds_alternative<HttpAnswer>(result) || exchange.late) co_return result;
      exchange.connection.reset();
    }
    auto failure = co_await connect(exchange);
    if (failure) co_return std::move(*failure);
    co_return co_await send(request, exchange.connection);
  }

  // Appends where the back end is. An address is no name: it never waits for the resolver, which
  // looks up one name at a time.
  asio::awaitable<std::optional<HttpFailure>> find(Exchange& exchange, std::vector<Place>& places) {
    const auto& url = peer_.url;
    if (url.scheme == Scheme::unix_socket) {
      places.emplace_back(asio::local::stream_protocol::endpoint(url.socket));
      co_return std::nullopt;
    }
    std::vector<asio::ip::tcp::endpoint> found;
    error_code no_address;
    const auto address = asio::ip::make_address(url.host, no_address);
    if (!no_address) {
      found.emplace_back(address, url.port);
    } else {
      const auto [error, results] =
          co_await exchange.resolver.async_resolve(url.host, std::to_string(url.port), as_result);
      if (error) co_return trouble(Kind::unreachable, "name", url.host + ": " + error.message());
      for (const auto& one : results) found.push_back(one.endpoint());
    }
    for (const auto& one : found) {
      if (peer_.allow_private || is_public_address(one.address().to_string()))
        places.emplace_back(one);
    }
    if (places.empty())
      co_return trouble(Kind::unreachable, "name",
                        url.host + " is no public address, and allow_private = false");
    co_return std::nullopt;
  }

  asio::awaitable<std::optional<HttpFailure>> connect(Exchange& exchange) {
    std::vector<Place> places;
    auto nowhere = co_await find(exchange, places);
    if (nowhere) co_return nowhere;
    error_code last;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (exchange.late) break;  // a closed socket would open itself again
      last = co_await try_place(exchange, places[i], places.size() - i);
      if (!last) break;
    }
    if (last || exchange.late) {
      exchange.connection.reset();
      co_return trouble(Kind::unreachable, "connect", exchange.late ? "too late" : last.message());
    }
    co_return co_await greet(exchange.connection);
  }

  // With `left` places to try, this one included, it may take its share of the time that is left:
  // an address from which nothing comes back leaves some to the next. The last one has it all.
  asio::awaitable<error_code> try_place(Exchange& exchange, const Place& place, std::size_t left) {
    exchange.connection =
        std::make_unique<Connection>(Connection::Socket(io_), context_ ? &*context_ : nullptr);
    auto& connection = *exchange.connection;
    bool given_up = false;
    std::optional<Alarm> alarm;
    if (left > 1) {
      const auto time = exchange.end - std::chrono::steady_clock::now();
      alarm.emplace(io_, time / static_cast<int>(left), [&] {
        given_up = true;
        connection.close();
      });
    }
    const auto [error] = co_await connection.socket().async_connect(place, as_result);
    co_return given_up ? error_code(asio::error::timed_out) : error;
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
    std::optional<Parser> parser;
    do {  // an interim answer (1xx) is not the answer
      parser.emplace();
      parser->header_limit(largest_header);
      parser->body_limit(boost::none);  // or a long body would hide the status
      const auto head_error = co_await read_head(stream, connection->buffer, *parser);
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
      const auto error = co_await read_body(stream, connection->buffer, *parser);
      if (error == http::error::body_limit) {
        answer.incomplete = too_long(peer_.largest_answer + 1);
      } else if (error) {
        answer.incomplete = trouble(Kind::broken, "receive", error.message());
      }
    }
    // What is there beyond the answer would be read as the next one's.
    connection->reusable =
        !answer.incomplete && message.keep_alive() && connection->buffer.size() == 0;
    answer.body = std::move(message.body());
    co_return answer;
  }

  // The parser's own limit is one for what it has not taken yet, and it takes line by line: a
  // header without an end would have none.
  template <class Stream>
  static asio::awaitable<error_code> read_head(Stream& stream, boost::beast::flat_buffer& buffer,
                                               Parser& parser) {
    std::size_t taken = 0;
    for (;;) {
      error_code error = http::error::need_more;
      if (buffer.size() > 0) {
        const auto size = parser.put(buffer.data(), error);
        buffer.consume(size);
        taken += size;
      }
      if (taken > largest_header) co_return http::error::header_limit;
      if (error != http::error::need_more) co_return error;
      const auto read_error = co_await read_more(stream, buffer);
      if (read_error == asio::error::eof)
        co_return parser.got_some() ? http::error::partial_message : http::error::end_of_stream;
      if (read_error) co_return read_error;
    }
  }

  // Not http::async_read(): that bounds what is in a body, but not what stands between its chunks,
  // and takes a chunk's size off the limit again each time it waits behind the chunk's line.
  template <class Stream>
  static asio::awaitable<error_code> read_body(Stream& stream, boost::beast::flat_buffer& buffer,
                                               Parser& parser) {
    auto on_chunk = [](auto, auto extensions, auto& error) {
      if (extensions.find('"') != extensions.npos) error = http::error::bad_chunk_extension;
    };
    parser.on_chunk_header(on_chunk);  // which it refers to from now on
    // Less than that is no end of a body in chunks ("0\r\n\r\n"): the parser takes it whole.
    const std::size_t least = parser.chunked() ? 5 : 1;
    while (!parser.is_done()) {
      error_code error = http::error::need_more;
      const bool is_asked = buffer.size() >= least;
      if (is_asked) buffer.consume(parser.put(buffer.data(), error));
      if (!error) continue;  // a step on
      if (error != http::error::need_more) co_return error;
      if (parser.chunked() && buffer.size() > largest_header) co_return http::error::bad_chunk;
      if (is_asked && waits_for_quote(buffer)) co_return http::error::bad_chunk_extension;
      const auto read_error = co_await read_more(stream, buffer);
      if (read_error == asio::error::eof) {
        parser.put_eof(error);
        co_return error;
      }
      if (read_error) co_return read_error;
    }
    co_return error_code();
  }

  // What the parser wants more of is a chunk's line that is whole, and has a quote: it looks for
  // the closing one behind the line.
  static bool waits_for_quote(const boost::beast::flat_buffer& buffer) {
    const auto data = buffer.data();
    std::string_view line(static_cast<const char*>(data.data()), data.size());
    if (line.starts_with("\r\n")) line.remove_prefix(2);  // of the chunk before
    const auto end = line.find("\r\n");
    return end != line.npos && line.substr(0, end).find('"') != line.npos;
  }

  template <class Stream>
  static asio::awaitable<error_code> read_more(Stream& stream, boost::beast::flat_buffer& buffer) {
    const auto space = buffer.prepare(read_size);
    const auto [error, size] = co_await stream.async_read_some(space, as_result);
    if (!error) buffer.commit(size);
    co_return error;
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
      if (now - connection->made < connection_life && connection->silent()) return connection;
    }
    return nullptr;
  }
  void keep(ConnectionPtr connection) {
    if (stopped_ || !connection->reusable) return;
    if (clock_.steady() - connection->made >= connection_life) return;
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
