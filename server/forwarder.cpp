#include "server/forwarder.h"

#include "handlers/sink/http_thread.h"
#include "server/http_peer.h"

#include <atomic>
#include <utility>

namespace wxpush::server {
namespace {

constexpr std::size_t kept_connections = 32;

ForwardAnswer failed(Cause cause, std::string error) {
  ForwardAnswer answer;
  answer.cause = cause;
  answer.error = std::move(error);
  return answer;
}

Cause cause_of(sink::HttpFailure::Kind kind) {
  switch (kind) {
    case sink::HttpFailure::Kind::unreachable:
      return Cause::unreachable;
    case sink::HttpFailure::Kind::broken:
      return Cause::broken_off;
    case sink::HttpFailure::Kind::late:
      return Cause::no_answer;
    case sink::HttpFailure::Kind::too_large:
      break;
  }
  return Cause::answer_too_large;
}

// An answer counts only as a whole.
ForwardAnswer answer_of(sink::HttpResult&& result) {
  if (auto* failure = std::get_if<sink::HttpFailure>(&result))
    return failed(cause_of(failure->kind), std::move(failure->error));
  auto& http = std::get<sink::HttpAnswer>(result);
  if (http.incomplete)
    return failed(cause_of(http.incomplete->kind), std::move(http.incomplete->error));
  ForwardAnswer answer;
  answer.status = http.status;
  answer.content_type = std::move(http.content_type);
  answer.retry_after = std::move(http.retry_after);
  answer.body = std::move(http.body);
  return answer;
}

class HttpTarget final : public ForwardTarget {
 public:
  HttpTarget(sink::HttpThread& thread, const Url& url, std::shared_ptr<sink::HttpClient> client)
      : thread_(thread), target_(sink::target_of(url)), client_(std::move(client)) {}

  void forward(ForwardRequest request, std::chrono::milliseconds within,
               std::function<void(ForwardAnswer)> done) const override {
    if (under_way_->fetch_add(1) >= Forwarder::most_under_way) {
      --*under_way_;
      done(failed(Cause::too_many, std::to_string(Forwarder::most_under_way) +
                                       " pushes of this route are under way already"));
      return;
    }
    thread_.exchange(client_, to_http(std::move(request)), within,
                     [under_way = under_way_, done = std::move(done)](sink::HttpResult result) {
                       --*under_way;
                       done(answer_of(std::move(result)));
                     });
  }

 private:
  sink::HttpRequest to_http(ForwardRequest&& request) const {
    sink::HttpRequest http;
    http.target = target_;
    if (!request.query.empty()) {
      http.target += target_.find('?') == std::string::npos ? '?' : '&';
      http.target += request.query;
    }
    if (!request.content_type.empty())
      http.headers.emplace_back("content-type", std::move(request.content_type));
    if (!request.forwarded_for.empty())
      http.headers.emplace_back("x-forwarded-for", std::move(request.forwarded_for));
    http.body = std::move(request.body);
    return http;
  }

  sink::HttpThread& thread_;
  const std::string target_;
  const std::shared_ptr<sink::HttpClient> client_;
  // Shared with what is under way, which may outlast the target.
  const std::shared_ptr<std::atomic<std::size_t>> under_way_ =
      std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace

Forwarder::Forwarder(Clock& clock) : clock_(clock) {}
Forwarder::~Forwarder() = default;

std::shared_ptr<const ForwardTarget> Forwarder::target(const config::BackEnd& back_end) {
  auto peer = http_peer(back_end);
  peer.connections = kept_connections;
  peer.largest_answer = largest_answer;
  const Url url = peer.url;
  // A thread looks up one name at a time, and cannot be told to give up.
  auto& thread = threads_[url.scheme == Scheme::unix_socket ? url.socket : url.host];
  if (!thread) thread = std::make_unique<sink::HttpThread>();
  return std::make_shared<HttpTarget>(*thread, url, thread->make_client(std::move(peer), clock_));
}

std::size_t Forwarder::stop() {
  std::size_t left = 0;
  for (const auto& [host, thread] : threads_) left += thread->stop(std::chrono::milliseconds(0));
  return left;
}

}  // namespace wxpush::server
