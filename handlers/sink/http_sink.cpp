#include "handlers/sink/http_sink.h"

#include "handlers/sink/http_outcome.h"
#include "handlers/sink/http_thread.h"

#include <iterator>
#include <utility>

namespace wxpush::sink {
namespace {

// The status counts, whatever becomes of the answer's body.
Outcome outcome_of(const HttpResult& result, const std::vector<unsigned>& permanent, WallTime now) {
  if (const auto* failure = std::get_if<HttpFailure>(&result)) return http_outcome(*failure);
  const auto& answer = std::get<HttpAnswer>(result);
  return http_outcome(answer.status, answer.retry_after, permanent, now);
}

class HttpSink final : public Sink {
 public:
  HttpSink(HttpSettings settings, Clock& clock)
      : settings_(std::move(settings)),
        clock_(clock),
        client_(thread_.make_client(settings_.peer, clock)) {}

  void offer(std::shared_ptr<const Delivery> delivery, Done done) override {
    thread_.exchange(client_, request_for(*delivery), settings_.timeout,
                     [this, done = std::move(done)](const HttpResult& result) {
                       done(outcome_of(result, settings_.permanent, clock_.wall()));
                     });
  }

  void cut_off() override { thread_.cut_off(); }
  // Nothing of an attempt outlives this but a name being looked up: what is under way at the
  // deadline is cut off. Whether the back end took the event is then not known, and it is offered
  // again.
  std::size_t stop(std::chrono::milliseconds deadline) override { return thread_.stop(deadline); }

 private:
  HttpRequest request_for(const Delivery& delivery) const {
    HttpRequest request;
    request.target = target_of(settings_.peer.url);
    request.headers = settings_.headers;
    auto about = http_headers(delivery, settings_.secrets, clock_.wall());
    request.headers.insert(request.headers.end(), std::make_move_iterator(about.begin()),
                           std::make_move_iterator(about.end()));
    request.body = delivery.stored.body;
    return request;
  }

  const HttpSettings settings_;
  Clock& clock_;
  HttpThread thread_{HttpThread::Work::deliveries};
  std::shared_ptr<HttpClient> client_;
};

}  // namespace

std::unique_ptr<Sink> make_http_sink(HttpSettings settings, Clock& clock) {
  return std::make_unique<HttpSink>(std::move(settings), clock);
}

}  // namespace wxpush::sink
