#include "server/push_reporter.h"

#include "server/forwarded_client.h"
#include "server/key_fact.h"

namespace wxpush::server {
namespace {

constexpr std::size_t warned_proxies_max = 64;
constexpr std::chrono::seconds warn_full_every{60};

std::int64_t milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace

PushReporter::PushReporter(Metrics& metrics, const ConnectionLimits& limits, queue::Queue* queue,
                           Clock& clock, Log& log)
    : metrics_(metrics), limits_(limits), queue_(queue), clock_(clock), log_(log) {}

void PushReporter::answered(const PushReport& report, const Peer& peer,
                            std::string_view forwarded_for, const queue::Appended* appended,
                            std::chrono::nanoseconds took) {
  const std::size_t row = report.app ? report.app->row.app : no_app;
  metrics_.push(row, report.verdict, report.cause);
  const bool proved =
      report.verdict == Verdict::accepted || report.verdict == Verdict::duplicate ||
      report.verdict == Verdict::handshake || report.verdict == Verdict::not_durable ||
      report.verdict == Verdict::overloaded || report.verdict == Verdict::forwarded ||
      report.verdict == Verdict::not_forwarded || report.verdict == Verdict::not_confirmed;
  if (proved) note_key(report);
  if (report.age_seconds) metrics_.push_age(*report.age_seconds);
  const bool ours = report.verdict == Verdict::accepted || report.verdict == Verdict::duplicate;
  const bool theirs = report.verdict == Verdict::forwarded && report.status < 300;
  const bool acknowledged = (ours && appended != nullptr) || theirs;
  if (report.event_id) note_repeat(report, acknowledged);
  if (ours && acknowledged) metrics_.acknowledged(took);
  if (acknowledged) metrics_.accepted(row, clock_.wall().time_since_epoch().count() / 1000);
  if (appended != nullptr && !appended->duplicate) metrics_.event_stored(row, report.type);

  const auto level = log_level(report.verdict);
  if (!log_.wants(level)) return;
  log_.write(level, "push",
             {{"verdict", to_string(report.verdict)},
              {"event_id", report.event_id ? event::to_string(*report.event_id) : std::string()},
              {"app", report.app ? std::string_view(report.app->name) : std::string_view("-")},
              {"type", report.type},
              {"order_key", report.order_key},
              {"id", appended == nullptr ? queue::RowId{0} : appended->id},
              {"ms", milliseconds(took)},
              {"client", client_of(peer, forwarded_for)},
              report.status == 0 ? LogField("status", "") : LogField("status", report.status),
              {"cause", to_string(report.cause)},
              {"error", report.error},
              {"remedy", remedy(report.cause)}});
}

// One line a minute: whoever floods the listener must not flood the log.
void PushReporter::turned_away(const Peer& peer, bool by_address) {
  metrics_.turned_away(by_address);
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady();
    if (warned_full_ && now - *warned_full_ < warn_full_every) return;
    warned_full_ = now;
  }
  log_.warning(
      "connections are turned away: a limit is reached",
      {{"limit", by_address ? "max_connections_per_address" : "max_connections"},
       {"client", peer.text},
       {"remedy", by_address
                      ? "add the address to server.trusted_proxies if it is your reverse proxy"
                      : "raise server.max_connections, or lower idle_timeout"}});
}

std::string PushReporter::client_of(const Peer& peer, std::string_view forwarded_for) {
  if (forwarded_for.empty()) return peer.text;
  if (!limits_.trusts(peer)) warn_untrusted_proxy(peer);
  return forwarded_client(limits_, peer, forwarded_for);
}

void PushReporter::warn_untrusted_proxy(const Peer& peer) {
  {
    const std::lock_guard lock(mutex_);
    if (warned_proxies_.size() >= warned_proxies_max || !warned_proxies_.insert(peer.text).second)
      return;
  }
  log_.warning("X-Forwarded-For from " + peer.text + ", which is not in trusted_proxies",
               {{"remedy", "add it to server.trusted_proxies if it is your reverse proxy"}});
}

// Written down with the first use in a minute: it answers "is this key still in use?", not "when
// exactly?".
void PushReporter::note_key(const PushReport& report) {
  if (!report.app) return;
  const App& app = *report.app;
  const auto key = app.row.keys[report.key];
  const auto now = clock_.wall();
  const auto seconds = now.time_since_epoch().count() / 1000;
  const auto before = metrics_.key_last_used(app.row.app, key);
  metrics_.key_used(app.row.app, key, seconds);
  if (queue_ == nullptr || seconds / 60 == before / 60) return;
  queue_->remember(key_fact_name(app.name, app.codec.keys()[report.key].name()),
                   to_text(KeyFact{now, metrics_.key_uses(app.row.app, key)}));
}

void PushReporter::note_repeat(const PushReport& report, bool acknowledged) {
  const auto before = recent_.note(*report.event_id, clock_.steady(), acknowledged);
  if (before) metrics_.retry_gap(before->gap);
  if (!before || !before->acknowledged || report.verdict != Verdict::duplicate) return;
  metrics_.repeated_after_ack(report.app ? report.app->row.app : no_app);
  log_.warning(
      "WeChat repeated a push that was acknowledged: it may dislike the reply, or the answer came "
      "too late for it",
      {{"event_id", event::to_string(*report.event_id)},
       {"type", report.type},
       {"gap_ms", milliseconds(before->gap)},
       {"remedy", "if this goes on, set reply = \"success\" for this app or event type"}});
}

}  // namespace wxpush::server
