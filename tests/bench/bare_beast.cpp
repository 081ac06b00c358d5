// The reference that throughput is told against: a bare Beast server over TLS that reads a push,
// verifies nothing, stores nothing, and answers "success". One thread, as many connections as come.
//   bare_beast PORT CERTIFICATE PRIVATE_KEY
#include "crypto/tls/context.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> serve(tcp::socket socket, asio::ssl::context& tls) {
  asio::ssl::stream<tcp::socket> stream(std::move(socket), tls);
  const auto [failed] = co_await stream.async_handshake(asio::ssl::stream_base::server, as_result);
  if (failed) co_return;
  beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> request;
    const auto [error, size] = co_await http::async_read(stream, buffer, request, as_result);
    if (error) co_return;
    http::response<http::string_body> response(http::status::ok, request.version());
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.keep_alive(request.keep_alive());
    response.body() = "success";
    response.prepare_payload();
    const auto [write_error, written] = co_await http::async_write(stream, response, as_result);
    if (write_error || !request.keep_alive()) co_return;
  }
}

void report(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    std::cerr << "bare_beast: " << error.what() << "\n";
  }
}

asio::awaitable<void> accept(tcp::acceptor& acceptor, asio::ssl::context& tls) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), tls), report);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::cerr << "usage: bare_beast PORT CERTIFICATE PRIVATE_KEY\n";
    return 64;
  }
  asio::io_context context{1};
  auto tls = wxpush::crypto::make_server_context(argv[2], argv[3]);
  const auto port = static_cast<unsigned short>(std::stoi(argv[1]));
  tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), port});
  asio::co_spawn(context, accept(acceptor, tls), report);
  context.run();
  return 0;
} catch (const std::exception& error) {
  std::cerr << "bare_beast: " << error.what() << "\n";
  return 1;
}
