#include "server/cli/admin_client.h"

#include "server/cli/command.h"

namespace wxpush::cli {

std::optional<HttpAnswer> ask_server(const config::Settings& settings, const std::string& method,
                                     const std::string& path, std::chrono::milliseconds timeout) {
  HttpRequest request;
  request.method = method;
  request.url.scheme = Scheme::unix_socket;
  request.url.port = 0;
  request.url.socket = settings.admin_socket().string();
  request.url.path = path.substr(0, path.find('?'));
  if (const auto question = path.find('?'); question != std::string::npos)
    request.url.query = path.substr(question + 1);
  request.timeout = timeout;
  HttpAnswer answer = send_http(request);
  if (answer.no_server) return std::nullopt;
  if (answer.forbidden) {
    throw CommandError(exit_no_permission,
                       request.url.socket + ": only the user that runs the server may ask it");
  }
  if (!answer.failure.empty()) {
    throw CommandError(exit_unavailable, request.url.socket + ": " + answer.failure);
  }
  return answer;
}

}  // namespace wxpush::cli
