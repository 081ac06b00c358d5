// What a running service tells people and machines about itself.

#include "server/quarantine.h"
#include "server/service_parts.h"
#include "server/status.h"

#include <algorithm>
#include <charconv>
#include <future>
#include <limits>

namespace wxpush::server {
namespace {

constexpr std::size_t most_ids = 1000;
constexpr const char* no_ids = R"({"error":"ids: up to 1000 numbers, separated by commas"})";
constexpr std::chrono::seconds ask_deadline{2};  // the worker's only thread waits

std::optional<std::vector<queue::RowId>> parse_ids(std::string_view text) {
  std::vector<queue::RowId> ids;
  while (!text.empty()) {
    queue::RowId id = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, id);
    if (error != std::errc() || (stop != end && *stop != ',') || ids.size() == most_ids)
      return std::nullopt;
    ids.push_back(id);
    text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(stop - text.data()) + 1));
  }
  return ids;
}

}  // namespace

AdminSources Service::Parts::admin_sources() {
  AdminSources sources;
  sources.not_ready = [this] { return not_ready(queue->status(), push_host->draining); };
  sources.metrics = [this] { return scrape(); };
  sources.status = [this] { return status(); };
  sources.retry_quarantine = [this] { return retry(); };
  sources.ask = [this](dispatch::Ask what, const std::string& handler, const std::string& ids) {
    return ask(what, handler, ids);
  };
  sources.erase = [this](const std::string& ids, bool undelivered) {
    return erase(ids, undelivered);
  };
  sources.forget = [this](const std::string& handler) { return forget_handler(handler); };
  sources.reload = [this] { return reload_from_source(); };
  return sources;
}

std::string Service::Parts::status() {
  StatusSources sources{settings,
                        *apps,
                        metrics,
                        *queue,
                        *admin_reader,
                        *dispatcher,
                        started_at,
                        environment.clock.wall(),
                        push_host->draining,
                        io.connections(),
                        {},
                        {},
                        certificate_not_after};
  for (const auto& listener : push_listeners) sources.listening.push_back(listener->address());
  if (admin_listener) sources.admin = admin_listener->address();
  return status_json(sources);
}

std::string Service::Parts::scrape() {
  const auto store = queue->status();
  Metrics::Gauges gauges;
  gauges.connections = io.connections();
  gauges.store_bytes = store.store_bytes;
  gauges.free_bytes = store.free_bytes;
  gauges.wal_bytes = store.wal_bytes;
  gauges.quarantined = store.quarantined;
  if (certificate_not_after)
    gauges.certificate_not_after = certificate_not_after->time_since_epoch().count() / 1000;
  for (const auto& record : queue->handlers()) {
    if (record.orphaned) continue;
    const auto backlog = backlog_of(*admin_reader, record);
    constexpr auto unknown = std::numeric_limits<double>::quiet_NaN();
    Metrics::Gauges::Handler handler;
    handler.name = record.name;
    handler.breaker = static_cast<int>(dispatcher->breaker(record.name));
    handler.readable = backlog.has_value();
    handler.pending = backlog ? static_cast<double>(backlog->pending) : unknown;
    handler.dead_letters = backlog ? static_cast<double>(backlog->dead_letters) : unknown;
    handler.oldest_pending_seconds = backlog ? 0 : unknown;
    if (backlog && backlog->oldest_at) {
      handler.oldest_pending_seconds =
          static_cast<double>((environment.clock.wall() - *backlog->oldest_at).count()) / 1000;
    }
    gauges.handlers.push_back(std::move(handler));
  }
  return metrics.scrape(gauges);
}

std::string Service::Parts::retry() {
  const auto result = retry_quarantine(*apps, *admin_reader, *queue, environment.log,
                                       std::chrono::milliseconds(2000), push_host->draining);
  return "{\"opened\":" + std::to_string(result.opened) +
         ",\"remaining\":" + std::to_string(result.remaining) + "}";
}

// The feed looks at each; it is told when it is durable. Dead letters of a handler that is gone can
// be given up without one.
std::string Service::Parts::ask(dispatch::Ask what, const std::string& handler,
                                const std::string& ids) {
  const auto wanted = parse_ids(ids);
  if (!wanted) return no_ids;
  dispatch::Granted granted;
  if (auto answer = dispatcher->ask(handler, what, *wanted)) {
    if (answer->wait_for(ask_deadline) != std::future_status::ready) return R"({"busy":true})";
    granted = answer->get();
  } else {
    const auto all = queue->handlers();
    const auto record = std::ranges::find(all, handler, &queue::HandlerRecord::name);
    if (record == all.end() || what != dispatch::Ask::discard)
      return R"({"error":"no handler of this name runs"})";
    granted = dispatch::grant_without_feed(*queue, *admin_reader, *record, what, *wanted);
  }
  if (granted.done > 0) {
    environment.log.info(
        "an operator asked for events of a handler",
        {{"handler", handler}, {"asked", to_string(what)}, {"events", granted.done}});
  }
  return "{\"done\":" + std::to_string(granted.done) +
         ",\"passed_over\":" + std::to_string(granted.passed_over) + "}";
}

std::string Service::Parts::erase(const std::string& ids, bool undelivered) {
  const auto wanted = parse_ids(ids);
  if (!wanted) return no_ids;
  const auto erased = queue->erase(*wanted, undelivered);
  const bool any_gone = erased.done + erased.not_stored > 0;
  if (any_gone && !dispatcher->let_go_of(*wanted, ask_deadline))
    environment.log.warning("a handler's feed stands still, and may offer what was erased");
  if (erased.done > 0) {
    environment.log.info("an operator had events erased", {{"events", erased.done}});
  }
  return "{\"done\":" + std::to_string(erased.done) +
         ",\"undelivered\":" + std::to_string(erased.undelivered) +
         ",\"not_stored\":" + std::to_string(erased.not_stored) +
         ",\"overwritten\":" + (erased.overwritten ? "true" : "false") + "}";
}

}  // namespace wxpush::server
