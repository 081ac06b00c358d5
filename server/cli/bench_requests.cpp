#include "server/cli/bench_requests.h"

#include <utility>

namespace wxpush::cli {

BenchRequests::BenchRequests(const PushTarget& target, std::string_view greeting_query,
                             std::function<SealedPush()> next_push)
    : next_push_(std::move(next_push)) {
  const Url& url = target.url;
  const std::string path = url.path + '?' + url.query + (url.query.empty() ? "" : "&");
  const std::string host = url.scheme == Scheme::unix_socket ? "localhost" : authority(url);
  const std::string common = " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: wxpush\r\n";
  greeting_.append("GET ").append(path).append(greeting_query).append(common).append("\r\n");
  head_ = "POST " + path;
  tail_ = common + "Content-Type: application/json\r\nContent-Length: ";
}

std::string BenchRequests::make() {
  const SealedPush push = next_push_();
  const std::string length = std::to_string(push.body.size());
  std::string request;
  request.reserve(head_.size() + push.query.size() + tail_.size() + length.size() +
                  push.body.size() + 4);
  request.append(head_).append(push.query).append(tail_).append(length);
  return request.append("\r\n\r\n").append(push.body);
}

void BenchRequests::prepare(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) prepared_.push_back(make());
}

std::string BenchRequests::next() {
  if (prepared_.empty()) return make();
  std::string request = std::move(prepared_.front());
  prepared_.pop_front();
  return request;
}

}  // namespace wxpush::cli
