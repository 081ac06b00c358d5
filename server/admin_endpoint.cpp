#include "server/admin_endpoint.h"

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
  const bool health = path == "/healthz" || path == "/readyz" || path == "/metrics";
  const bool api_get = full_ && path == "/api/v1/status";
  const bool requeue = full_ && path == "/api/v1/dead-letters/requeue";
  const bool discard = full_ && path == "/api/v1/dead-letters/discard";
  const bool retry = full_ && path == "/api/v1/quarantine/retry";
  const bool api_post = retry || requeue || discard;
  if ((health || api_get) && !get) return wrong_method("GET, HEAD");
  if (api_post && request.method != Method::post) return wrong_method("POST");
  if (path == "/healthz") return answer(200, "ok\n");
  if (path == "/readyz") return ready(sources_.not_ready());
  if (path == "/metrics") return work(sources_.metrics, "text/plain; version=0.0.4; charset=utf-8");
  if (api_get) return work(sources_.status, "application/json");
  if (retry) return work(sources_.retry_quarantine, "application/json");
  if (requeue || discard) {
    const auto action = requeue ? DeadLetterAction::requeue : DeadLetterAction::discard;
    auto handler = query_parameter(request.query, "handler").value_or("");
    auto ids = query_parameter(request.query, "ids").value_or("");
    return work([this, action, handler = std::move(handler),
                 ids = std::move(ids)] { return sources_.dead_letters(action, handler, ids); },
                "application/json");
  }
  return answer(404, "not found\n");
}

}  // namespace wxpush::server
