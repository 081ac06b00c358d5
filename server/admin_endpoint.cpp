#include "server/admin_endpoint.h"

#include <array>
#include <utility>

namespace wxpush::server {
namespace {

Action answer(int status, std::string body,
              std::string_view content_type = "text/plain; charset=utf-8") {
  Action action;
  action.reply.status = status;
  action.reply.body = std::move(body);
  action.reply.content_type = content_type;
  return action;
}

Action work(std::function<std::string()> make_body, std::string_view content_type) {
  auto action = answer(200, {}, content_type);
  action.work = std::move(make_body);
  return action;
}

Action wrong_method(std::string_view allow) {
  auto action = answer(405, "method not allowed\n");
  action.reply.allow = allow;
  return action;
}

Action ready(const std::vector<std::string>& reasons) {
  if (reasons.empty()) return answer(200, "ready\n");
  std::string body = "not ready\n";
  for (const auto& reason : reasons) body += reason + "\n";
  return answer(503, std::move(body));
}

}  // namespace

Action AdminEndpoint::accept(const Request& request, WallTime) {
  const bool get = request.method == Method::get || request.method == Method::head;
  const auto path = request.path;
  const auto post = full_ ? posted(request) : nullptr;
  const bool shown = path == "/healthz" || path == "/readyz" || path == "/metrics" ||
                     (full_ && path == "/api/v1/status");
  if (shown && !get) return wrong_method("GET, HEAD");
  if (post && request.method != Method::post) return wrong_method("POST");
  if (path == "/healthz") return answer(200, "ok\n");
  if (path == "/readyz") return ready(sources_.not_ready());
  if (path == "/metrics") return work(sources_.metrics, "text/plain; version=0.0.4; charset=utf-8");
  if (shown) return work(sources_.status, "application/json");
  if (post) return work(post, "application/json");
  return answer(404, "not found\n");
}

// What a request that changes something asks for; nothing: there is no such path.
std::function<std::string()> AdminEndpoint::posted(const Request& request) const {
  constexpr std::array asks{std::pair{"/api/v1/events/requeue", dispatch::Ask::requeue},
                            std::pair{"/api/v1/events/discard", dispatch::Ask::discard},
                            std::pair{"/api/v1/events/replay", dispatch::Ask::replay}};
  auto handler = query_parameter(request.query, "handler").value_or("");
  for (const auto& [path, what] : asks) {
    if (request.path != path) continue;
    auto ids = query_parameter(request.query, "ids").value_or("");
    return [this, what = what, handler = std::move(handler), ids = std::move(ids)] {
      return sources_.ask(what, handler, ids);
    };
  }
  if (request.path == "/api/v1/events/erase") {
    const bool undelivered = query_parameter(request.query, "undelivered") == "1";
    return [this, undelivered, ids = query_parameter(request.query, "ids").value_or("")] {
      return sources_.erase(ids, undelivered);
    };
  }
  if (request.path == "/api/v1/quarantine/retry") return sources_.retry_quarantine;
  if (request.path == "/api/v1/reload") return sources_.reload;
  if (request.path == "/api/v1/handlers/forget")
    return [this, handler = std::move(handler)] { return sources_.forget(handler); };
  return nullptr;
}

}  // namespace wxpush::server
