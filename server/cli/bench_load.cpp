#include "server/cli/bench_load.h"

#include "crypto/tls/context.h"
#include "server/cli/command.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <exception>
#include <optional>

namespace wxpush::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;
using UnixStream = beast::basic_stream<asio::local::stream_protocol>;

constexpr std::chrono::milliseconds pause_after_failure{100};
const auto as_result = asio::as_tuple(asio::use_awaitable);

class Load {
 public:
  explicit Load(const LoadPlan& plan) : plan_(plan) {
    if (plan.target.url.scheme == Scheme::https) {
      tls_.emplace(
          crypto::make_client_context(plan.target.trust.ca_file, plan.target.trust.insecure));
    }
  }

  LoadResult run() {
    find_server();
    const auto begin = begin_ = steady_clock::now();
    end_ = begin + plan_.duration;
    for (unsigned i = 0; i < plan_.connections; ++i) {
      asio::co_spawn(context_, drive(), [this](const std::exception_ptr& thrown) {
        if (thrown) count_exception(thrown);
      });
    }
    context_.run();
    result_.took = steady_clock::now() - begin;
    return std::move(result_);
  }

 private:
  void find_server() {
    if (plan_.target.url.scheme == Scheme::unix_socket) return;
    asio::ip::tcp::resolver resolver(context_);
    const std::string& host = plan_.target.url.host;
    const std::string port = std::to_string(plan_.target.url.port);
    boost::system::error_code error;
    addresses_ = resolver.resolve(host, port, error);
    if (error && host == "localhost") addresses_ = resolver.resolve("127.0.0.1", port, error);
    if (error) throw CommandError(exit_unavailable, host + ": " + error.message());
  }

  bool running() const {
    return steady_clock::now() < end_ && (plan_.most == 0 || sent_ < plan_.most);
  }

  // When the next push is meant to be sent; at a fixed rate that may have passed already.
  steady_clock::time_point next_time() {
    const std::uint64_t number = sent_++;
    if (plan_.rate == 0) return steady_clock::now();
    const std::chrono::duration<double> after(static_cast<double>(number) / plan_.rate);
    return begin_ + std::chrono::duration_cast<steady_clock::duration>(after);
  }

  // A connection that ends is opened again; one that fails waits, so as not to spin.
  asio::awaitable<void> drive() {
    while (running()) {
      const bool well = co_await connect_and_push();
      if (well || !running()) continue;
      asio::steady_timer pause(context_, pause_after_failure);
      co_await pause.async_wait(as_result);
    }
  }

  asio::awaitable<bool> connect_and_push() {
    switch (plan_.target.url.scheme) {
      case Scheme::unix_socket:
        return over_unix();
      case Scheme::http:
        return over_tcp();
      case Scheme::https:
        return over_tls();
    }
    std::terminate();
  }

  asio::awaitable<bool> over_unix() {
    UnixStream stream(context_);
    const asio::local::stream_protocol::endpoint endpoint(plan_.target.url.socket);
    stream.expires_after(plan_.timeout);
    const auto [error] = co_await stream.async_connect(endpoint, as_result);
    if (error) co_return failed("connect", error);
    co_return co_await push_on(stream);
  }

  asio::awaitable<bool> over_tcp() {
    beast::tcp_stream stream(context_);
    stream.expires_after(plan_.timeout);
    const auto [error, endpoint] = co_await stream.async_connect(addresses_, as_result);
    if (error) co_return failed("connect", error);
    stream.socket().set_option(asio::ip::tcp::no_delay(true));
    co_return co_await push_on(stream);
  }

  asio::awaitable<bool> over_tls() {
    beast::ssl_stream<beast::tcp_stream> stream(context_, *tls_);
    crypto::expect_peer(stream.native_handle(), plan_.target.url.host);
    beast::tcp_stream& below = stream.next_layer();
    below.expires_after(plan_.timeout);
    const auto [error, endpoint] = co_await below.async_connect(addresses_, as_result);
    if (error) co_return failed("connect", error);
    below.socket().set_option(asio::ip::tcp::no_delay(true));
    const auto [refused] =
        co_await stream.async_handshake(asio::ssl::stream_base::client, as_result);
    if (refused) co_return failed("TLS", refused);
    co_return co_await push_on(stream);
  }

  // Pushes until time is up or the connection ends; false if it ended by a failure.
  template <class Stream>
  asio::awaitable<bool> push_on(Stream& stream) {
    beast::flat_buffer buffer;
    while (running()) {
      const auto begin = next_time();
      const http::request<http::string_body> request = next_request();
      http::response<http::string_body> response;
      if (begin > steady_clock::now()) {
        asio::steady_timer until(context_, begin);
        co_await until.async_wait(as_result);
      }
      beast::get_lowest_layer(stream).expires_after(plan_.timeout);
      const auto [not_sent, sent] = co_await http::async_write(stream, request, as_result);
      if (not_sent) co_return failed("send", not_sent);
      const auto [not_received, received] =
          co_await http::async_read(stream, buffer, response, as_result);
      if (not_received) co_return failed("receive", not_received);
      count(static_cast<int>(response.result_int()), steady_clock::now() - begin);
      if (!response.keep_alive()) break;
    }
    co_return true;
  }

  http::request<http::string_body> next_request() {
    HttpRequest push = push_request(plan_.target, plan_.next_push());
    const bool local = push.url.scheme == Scheme::unix_socket;
    http::request<http::string_body> request(http::verb::post, push.url.path + '?' + push.url.query,
                                             11);
    request.set(http::field::host, local ? "localhost" : authority(push.url));
    request.set(http::field::user_agent, "wxpush");
    request.set(http::field::content_type, push.content_type);
    request.body() = std::move(push.body);
    request.prepare_payload();
    return request;
  }

  void count(int status, steady_clock::duration took) {
    if (status == 200) {
      ++result_.acknowledged;
      result_.latency.add(std::chrono::duration_cast<std::chrono::microseconds>(took));
    } else {
      ++result_.failures["answer " + std::to_string(status)];
    }
  }

  bool failed(const char* step, const error_code& error) {
    const bool late = error == beast::error::timeout || error == asio::error::timed_out;
    ++result_.failures[step + (": " + (late ? "timeout" : error.message()))];
    return false;
  }

  void count_exception(const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      ++result_.failures[error.what()];
    }
  }

  const LoadPlan& plan_;
  asio::io_context context_{1};
  std::optional<asio::ssl::context> tls_;
  asio::ip::tcp::resolver::results_type addresses_;
  steady_clock::time_point begin_, end_;
  std::uint64_t sent_ = 0;
  LoadResult result_;
};

}  // namespace

LoadResult run_load(const LoadPlan& plan) {
  return Load(plan).run();
}

}  // namespace wxpush::cli
