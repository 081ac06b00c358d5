#pragma once
// Carries pushes to the services that forwarded routes name, on a thread for each host: a service
// that hangs, or whose name does, holds up its own pushes and nothing else.

#include "config/settings.h"
#include "handlers/base/clock.h"
#include "server/forward.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace wxpush::sink {
class HttpThread;
}

namespace wxpush::server {

class Forwarder {
 public:
  // Of one route at once: more are not forwarded, but answered 503.
  static constexpr std::size_t most_under_way = 128;
  static constexpr std::uint64_t largest_answer = 1U << 20;

  // `clock` outlives it. A host's thread begins with its first target and
  // stays to the end, also if a reload takes the host away.
  explicit Forwarder(Clock& clock);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // Outlived by the forwarder, on whichever thread it is let go. Throws std::runtime_error if the
  // route's TLS files cannot be used. Not thread-safe.
  std::shared_ptr<const ForwardTarget> target(const config::BackEnd& back_end);

  // After the sessions are gone: cuts off what is under way. Answers how many exchanges could not
  // be cut off. Idempotent.
  std::size_t stop();

 private:
  Clock& clock_;
  std::map<std::string, std::unique_ptr<sink::HttpThread>> threads_;  // by host or socket
};

}  // namespace wxpush::server
