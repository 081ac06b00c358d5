#include "server/cli/bench_endpoint.h"

#include "server/cli/command.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <string>

namespace wxpush::cli {

namespace asio = boost::asio;
using boost::system::error_code;

asio::generic::stream_protocol::endpoint find_endpoint(asio::io_context& context, const Url& url) {
  if (url.scheme == Scheme::unix_socket) return asio::local::stream_protocol::endpoint(url.socket);
  asio::ip::tcp::resolver resolver(context);
  const std::string port = std::to_string(url.port);
  error_code error;
  auto found = resolver.resolve(url.host, port, error);
  if (error && url.host == "localhost") found = resolver.resolve("127.0.0.1", port, error);
  if (error) throw CommandError(exit_unavailable, url.host + ": " + error.message());
  for (const auto& entry : found) {
    asio::ip::tcp::socket socket(context);
    error_code refused;
    if (found.size() > 1) socket.connect(entry.endpoint(), refused);
    if (!refused) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

}  // namespace wxpush::cli
