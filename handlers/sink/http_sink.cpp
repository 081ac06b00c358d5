#include "handlers/sink/http_sink.h"

#include "crypto/tls/context.h"
#include "handlers/sink/http_outcome.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace wxpush::sink {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using Request = http::request<http::string_body>;

constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_result{};
constexpr std::uint64_t largest_answer = 64U << 10;
constexpr std::uint32_t largest_header = 16U << 10;
constexpr std::chrono::seconds connection_life{60};

Failure trouble(const char* doing, const std::string& what) {
  Failure failure;
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

class HttpSink final : public Sink {
 public:
  HttpSink(HttpSettings settings, Clock& clock) : settings_(std::move(settings)), clock_(clock) {
    if (settings_.url.scheme == Scheme::https) {
      context_.emplace(crypto::make_client_context(settings_.ca_file.string(), false));
      if (!settings_.certificate.empty()) {
        crypto::use_identity(*context_, settings_.certificate.string(),
                             settings_.private_key.string());
      }
    }
    thread_ = std::thread([this] { io_.run(); });
  }
  ~HttpSink() override { HttpSink::stop(std::chrono::milliseconds(0)); }
  HttpSink(const HttpSink&) = delete;
  HttpSink& operator=(const HttpSink&) = delete;

  void offer(std::shared_ptr<const Delivery> delivery, Done done) override {
    asio::post(io_, [this, delivery = std::move(delivery), done = std::move(done)]() mutable {
      if (stopped_) return;
      asio::co_spawn(io_, attempt(std::move(delivery), std::move(done)),
                     [](const std::exception_ptr&) {});  // attempt() lets none out
    });
  }

  // Nothing of an attempt outlives this: what is under way at the deadline is cut off. Whether the
  // back end took the event is then not known, and it is offered again.
  std::size_t stop(std::chrono::milliseconds deadline) override {
    if (!thread_.joinable()) return 0;
    {
      std::unique_lock lock(mutex_);
      idle_.wait_for(lock, deadline, [this] { return under_way_ == 0; });
    }
    asio::post(io_, [this] {
      stopped_ = true;
      idle_connections_.clear();
      for (auto* one : timers_) one->cancel();
    });
    work_.reset();
    std::size_t left = 0;  // a name that is being looked up cannot be cut off
    {
      std::unique_lock lock(mutex_);
      idle_.wait_for(lock, std::chrono::milliseconds(20), [this] { return under_way_ == 0; });
      left = under_way_;
    }
    io_.stop();
    thread_.join();
    return left;
  }

 private:
  asio::awaitable<void> attempt(std::shared_ptr<const Delivery> delivery, Done done) {
    begin();
    Outcome outcome;
    try {
      outcome = co_await exchange(*delivery);
    } catch (const std::exception& error) {
      outcome = trouble("unexpected", error.what());
    }
    if (!stopped_) done(std::move(outcome));
    end();
  }

  void begin() {
    const std::lock_guard lock(mutex_);
    ++under_way_;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    --under_way_;
    idle_.notify_all();
  }

  Request request_for(const Delivery& delivery) const {
    const Url& url = settings_.url;
    std::string target = url.path.empty() ? "/" : url.path;
    if (!url.query.empty()) target += "?" + url.query;
    Request request{http::verb::post, target, 11};
    request.set(http::field::host,
                url.scheme == Scheme::unix_socket ? "localhost" : authority(url));
    request.set(http::field::user_agent, "wxpush");
    for (const auto& [name, value] : settings_.headers) request.set(name, value);
    for (const auto& [name, value] : http_headers(delivery, settings_.secrets, clock_.wall()))
      request.set(name, value);
    request.body() = delivery.stored.body;
    request.prepare_payload();
    return request;
  }

  // The timer bounds everything: at its end it closes the connection under all that waits for it.
  asio::awaitable<Outcome> exchange(const Delivery& delivery) {
    const auto request = request_for(delivery);
    ConnectionPtr connection;
    asio::ip::tcp::resolver resolver(io_);
    bool late = false;
    asio::steady_timer timer(io_, settings_.timeout);
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
    Outcome outcome = co_await try_exchange(request, connection, resolver, late);
    if (late && outcome) {
      outcome->error =
          stopped_ ? "cut off by the end of the process"
                   : "no answer within " + std::to_string(settings_.timeout.count()) + " ms";
    }
    if (connection && !outcome && !late) keep(std::move(connection));
    co_return outcome;
  }

  // A kept connection may have been closed meanwhile: that is no failure of the back end, so a
  // fresh one gets its turn. The event may then arrive twice, as ever, with one id.
  asio::awaitable<Outcome> try_exchange(const Request& request, ConnectionPtr& connection,
                                        asio::ip::tcp::resolver& resolver, const bool& late) {
    connection = take_kept();
    if (connection) {
      bool answered = false;
      auto outcome = co_await send(request, connection, answered);
      if (answered || late) co_return outcome;
      connection.reset();
    }
    if (auto failure = co_await connect(connection, resolver, late)) co_return failure;
    bool answered = false;
    co_return co_await send(request, connection, answered);
  }

  asio::awaitable<Outcome> connect(ConnectionPtr& connection, asio::ip::tcp::resolver& resolver,
                                   const bool& late) {
    std::vector<asio::generic::stream_protocol::endpoint> places;
    if (settings_.url.scheme == Scheme::unix_socket) {
      places.emplace_back(asio::local::stream_protocol::endpoint(settings_.url.socket));
    } else {
      const auto [error, found] = co_await resolver.async_resolve(
          settings_.url.host, std::to_string(settings_.url.port), as_result);
      if (error) co_return trouble("name", settings_.url.host + ": " + error.message());
      for (const auto& one : found) {
        if (settings_.allow_private || is_public_address(one.endpoint().address().to_string()))
          places.emplace_back(one.endpoint());
      }
      if (places.empty())
        co_return trouble("name",
                          settings_.url.host + " is no public address, and allow_private = false");
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
      co_return trouble("connect", late ? "too late" : last.message());
    }
    connection->made = clock_.steady();
    if (settings_.url.scheme != Scheme::unix_socket) {
      error_code ignored;
      connection->socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    }
    if (connection->secure) {
      crypto::expect_peer(connection->secure->native_handle(), settings_.url.host);
      const auto [error] =
          co_await connection->secure->async_handshake(asio::ssl::stream_base::client, as_result);
      if (error) co_return trouble("TLS", error.message());
    }
    co_return std::nullopt;
  }

  asio::awaitable<Outcome> send(const Request& request, ConnectionPtr& connection, bool& answered) {
    if (connection->secure)
      co_return co_await send_over(*connection->secure, request, connection, answered);
    co_return co_await send_over(*connection->plain, request, connection, answered);
  }

  template <class Stream>
  asio::awaitable<Outcome> send_over(Stream& stream, const Request& request,
                                     ConnectionPtr& connection, bool& answered) {
    const auto [write_error, written] = co_await http::async_write(stream, request, as_result);
    if (write_error) co_return trouble("send", write_error.message());
    std::optional<http::response_parser<http::string_body>> parser;
    do {  // an interim answer (1xx) is not the answer
      parser.emplace();
      parser->header_limit(largest_header);
      parser->body_limit(boost::none);  // or a long body would hide the status
      const auto [head_error, head] =
          co_await http::async_read_header(stream, connection->buffer, *parser, as_result);
      if (head_error) co_return trouble("receive", head_error.message());
    } while (parser->get().result_int() < 200);
    answered = true;
    // The status counts, whatever becomes of the body; but a connection with a rest in it is of no
    // use.
    auto& answer = *parser;
    bool whole = answer.content_length().value_or(0) <= largest_answer;
    if (whole) {
      answer.body_limit(largest_answer);
      const auto [body_error, body] =
          co_await http::async_read(stream, connection->buffer, answer, as_result);
      whole = !body_error;
    }
    if (!whole || !answer.get().keep_alive()) connection->made = SteadyTime{};
    const std::string retry_after(answer.get()[http::field::retry_after]);
    co_return http_outcome(answer.get().result_int(), retry_after, settings_.permanent,
                           clock_.wall());
  }

  ConnectionPtr take_kept() {
    const auto now = clock_.steady();
    while (!idle_connections_.empty()) {
      auto connection = std::move(idle_connections_.back());
      idle_connections_.pop_back();
      if (now - connection->made < connection_life) return connection;
    }
    return nullptr;
  }
  void keep(ConnectionPtr connection) {
    if (clock_.steady() - connection->made >= connection_life) return;
    if (idle_connections_.size() < settings_.connections)
      idle_connections_.push_back(std::move(connection));
  }

  const HttpSettings settings_;
  Clock& clock_;
  std::optional<asio::ssl::context> context_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  // The thread's own:
  std::vector<ConnectionPtr> idle_connections_;
  std::list<asio::steady_timer*> timers_;
  bool stopped_ = false;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t under_way_ = 0;
  std::thread thread_;
};

bool is_public(const asio::ip::address_v4& address) {
  const auto bits = address.to_uint();
  const auto in = [bits](std::uint32_t network, int prefix) {
    return (bits ^ network) >> (32 - prefix) == 0;
  };
  return !(in(0x00000000, 8) || in(0x0A000000, 8) || in(0x64400000, 10) || in(0x7F000000, 8) ||
           in(0xA9FE0000, 16) || in(0xAC100000, 12) || in(0xC0000000, 24) || in(0xC0A80000, 16) ||
           in(0xC6120000, 15) || in(0xE0000000, 4) || in(0xF0000000, 4));
}

}  // namespace

bool is_public_address(const std::string& address) {
  error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) return false;
  if (parsed.is_v4()) return is_public(parsed.to_v4());
  const auto v6 = parsed.to_v6();
  if (v6.is_v4_mapped()) return is_public(asio::ip::make_address_v4(asio::ip::v4_mapped, v6));
  const auto bytes = v6.to_bytes();
  return (bytes[0] & 0xE0U) == 0x20U;  // 2000::/3: what is assigned for global use
}

std::unique_ptr<Sink> make_http_sink(HttpSettings settings, Clock& clock) {
  return std::make_unique<HttpSink>(std::move(settings), clock);
}

}  // namespace wxpush::sink
