#pragma once
// Tells what became of every push: one log line each, the metrics, and when each key was last used.

#include "server/apps.h"
#include "server/connection_limits.h"
#include "server/metrics.h"
#include "server/recent_pushes.h"
#include "server/session.h"

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace wxpush::server {

class PushReporter final : public SessionObserver {
 public:
  // All of it outlives the reporter. `queue` may be null (tests).
  PushReporter(Metrics& metrics, const ConnectionLimits& limits, queue::Queue* queue, Clock& clock,
               Log& log);

  void answered(const PushReport& report, const Peer& peer, std::string_view forwarded_for,
                const queue::Appended* appended, std::chrono::nanoseconds took) override;
  void handshake(HandshakeResult result) override { metrics_.tls_handshake(result); }
  void turned_away(const Peer& peer, bool by_address) override;

 private:
  std::string client_of(const Peer& peer, std::string_view forwarded_for);
  void warn_untrusted_proxy(const Peer& peer);
  void note_key(const PushReport& report);
  void note_repeat(const PushReport& report, bool acknowledged);

  Metrics& metrics_;
  const ConnectionLimits& limits_;
  queue::Queue* queue_;
  Clock& clock_;
  Log& log_;
  RecentPushes recent_{8192};
  std::mutex mutex_;
  std::set<std::string> warned_proxies_;  // at most 64
  std::optional<SteadyTime> warned_full_;
};

}  // namespace wxpush::server
