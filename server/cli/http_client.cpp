#include "server/cli/http_client.h"

#include "crypto/tls/context.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <cctype>
#include <optional>

namespace wxpush::cli {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::uint64_t largest_answer = 64ULL << 20;

// Runs one asynchronous step after another on a private io_context, so that each ends at the
// deadline although the caller waits for it. After a step that did not end in time nothing of the
// connection may be used but its destructor.
class Steps {
 public:
  explicit Steps(steady_clock::time_point deadline) : deadline_(deadline) {}
  asio::io_context& context() { return context_; }

  // `start(handler)` begins the operation. False if it failed or is late: see error().
  template <class Start>
  bool operator()(Start start) {
    std::optional<error_code> result;
    start([&result](const error_code& error, auto&&...) { result = error; });
    context_.restart();
    while (!result && context_.run_one_until(deadline_) > 0) {
    }
    if (!result) {
      // The handler still points at our frame: cancel it and let it run before we leave.
      error_ = asio::error::timed_out;
      if (abandon_) abandon_();
      context_.restart();
      while (!result && context_.run_one() > 0) {
      }
      return false;
    }
    error_ = *result;
    return !error_;
  }

  const error_code& error() const { return error_; }
  // What ends the operation under way at once.
  void on_late(std::function<void()> abandon) { abandon_ = std::move(abandon); }

 private:
  asio::io_context context_{1};
  steady_clock::time_point deadline_;
  std::function<void()> abandon_;
  error_code error_;
};

std::string in_words(const error_code& error) {
  if (error == asio::error::timed_out) return "timeout";
  std::string text = error.message();
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

HttpAnswer failed(const char* step, const error_code& error) {
  HttpAnswer answer;
  answer.failure = error == asio::error::timed_out ? "timeout" : step + (": " + in_words(error));
  if (std::string_view(step) == "connect") {
    answer.no_server = error == asio::error::connection_refused ||
                       error == boost::system::errc::no_such_file_or_directory;
    answer.forbidden = error == boost::system::errc::permission_denied;
  }
  return answer;
}

http::request<http::string_body> message_of(const HttpRequest& request) {
  http::request<http::string_body> message;
  message.method_string(request.method);
  std::string target = request.url.path.empty() ? "/" : request.url.path;
  if (!request.url.query.empty()) target += '?' + request.url.query;
  message.target(target);
  message.version(11);
  const bool local = request.url.scheme == Scheme::unix_socket;
  message.set(http::field::host, local ? "localhost" : authority(request.url));
  message.set(http::field::user_agent, "wxpush");
  message.set(http::field::connection, "close");
  if (!request.content_type.empty()) message.set(http::field::content_type, request.content_type);
  message.body() = request.body;
  message.prepare_payload();
  return message;
}

template <class Stream>
HttpAnswer exchange(Steps& step, Stream& stream, const HttpRequest& request) {
  const auto message = message_of(request);
  if (!step([&](auto done) { http::async_write(stream, message, done); })) {
    return failed("send", step.error());
  }
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(largest_answer);
  if (!step([&](auto done) { http::async_read(stream, buffer, parser, done); })) {
    return failed("receive", step.error());
  }
  HttpAnswer answer;
  answer.status = static_cast<int>(parser.get().result_int());
  answer.body = std::move(parser.get().body());
  return answer;
}

HttpAnswer send_over_unix(Steps& step, const HttpRequest& request) {
  asio::local::stream_protocol::socket socket(step.context());
  step.on_late([&] { socket.close(); });
  const asio::local::stream_protocol::endpoint endpoint(request.url.socket);
  if (!step([&](auto done) { socket.async_connect(endpoint, done); })) {
    return failed("connect", step.error());
  }
  return exchange(step, socket, request);
}

HttpAnswer send_over_tls(Steps& step, asio::ip::tcp::socket socket, const HttpRequest& request) {
  auto context = crypto::make_client_context(request.trust.ca_file, request.trust.insecure);
  asio::ssl::stream<asio::ip::tcp::socket> stream(std::move(socket), context);
  step.on_late([&] { stream.next_layer().close(); });
  crypto::expect_peer(stream.native_handle(), request.url.host);
  if (!step([&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, done); })) {
    return failed("TLS", step.error());
  }
  return exchange(step, stream, request);  // no farewell: the answer is whole, the deadline runs
}

HttpAnswer send_over_tcp(Steps& step, const HttpRequest& request) {
  asio::ip::tcp::resolver resolver(step.context());
  asio::ip::tcp::resolver::results_type found;
  step.on_late([&] { resolver.cancel(); });
  const std::string port = std::to_string(request.url.port);
  const auto resolve = [&](const std::string& host) {
    return step([&](auto done) {
      resolver.async_resolve(host, port, [&found, done](error_code error, auto results) {
        found = std::move(results);
        done(error);
      });
    });
  };
  // A system without /etc/hosts does not know it (RFC 6761, 6.3 says what it is).
  const bool local = request.url.host == "localhost";
  if (!resolve(request.url.host) && !(local && resolve("127.0.0.1")))
    return failed("name", step.error());
  asio::ip::tcp::socket socket(step.context());
  step.on_late([&] { socket.close(); });
  if (!step([&](auto done) { asio::async_connect(socket, found, done); })) {
    return failed("connect", step.error());
  }
  socket.set_option(asio::ip::tcp::no_delay(true));
  if (request.url.scheme == Scheme::https) return send_over_tls(step, std::move(socket), request);
  return exchange(step, socket, request);
}

}  // namespace

HttpAnswer send_http(const HttpRequest& request) {
  const auto begin = steady_clock::now();
  Steps step(begin + request.timeout);
  HttpAnswer answer = request.url.scheme == Scheme::unix_socket ? send_over_unix(step, request)
                                                                : send_over_tcp(step, request);
  answer.took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin);
  return answer;
}

}  // namespace wxpush::cli
