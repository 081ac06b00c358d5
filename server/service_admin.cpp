// What a running service tells people and machines about itself.

#include "server/quarantine.h"
#include "server/service_parts.h"
#include "server/status.h"

#include <algorithm>

namespace wxpush::server {

AdminSources Service::Parts::admin_sources() {
  AdminSources sources;
  sources.not_ready = [this] { return not_ready(queue->status(), push_host->draining); };
  sources.metrics = [this] { return scrape(); };
  sources.status = [this] { return status(); };
  sources.retry_quarantine = [this] { return retry(); };
  sources.dead_letters = [this](DeadLetterAction action, const std::string& handler,
                                const std::string& ids) {
    return dead_letters(action, handler, ids);
  };
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
    Metrics::Gauges::Handler handler;
    handler.name = record.name;
    handler.pending = admin_reader->pending(record);
    handler.dead_letters = admin_reader->dead_count(record.number);
    handler.breaker = static_cast<int>(dispatcher->breaker(record.name));
    if (const auto oldest = admin_reader->oldest_pending(record)) {
      handler.oldest_pending_seconds =
          static_cast<double>((environment.clock.wall() - *oldest).count()) / 1000;
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

// `ids`: row ids, separated by commas; empty: all of them.
std::string Service::Parts::dead_letters(DeadLetterAction action, const std::string& handler,
                                         const std::string& ids) {
  const auto records = queue->handlers();
  const auto record =
      std::ranges::find_if(records, [&](const auto& one) { return one.name == handler; });
  if (record == records.end()) return R"({"error":"no such handler"})";
  const auto wanted = [list = "," + ids + ","](queue::RowId id) {
    return list == ",," || list.find("," + std::to_string(id) + ",") != std::string::npos;
  };
  std::vector<dispatch::DeadLetterKey> letters;
  constexpr std::size_t most = 100'000;  // at once: ask again for the rest
  queue::RowId after = 0;
  for (auto page = admin_reader->dead_letters(record->number, after);
       !page.empty() && letters.size() < most;
       page = admin_reader->dead_letters(record->number, after)) {
    for (const auto& letter : page) {
      after = letter.id;
      if (wanted(letter.id)) letters.push_back({letter.id, letter.lane});
    }
  }
  const auto count = letters.size();
  const bool runs = action == DeadLetterAction::requeue
                        ? dispatcher->requeue(record->number, std::move(letters))
                        : dispatcher->discard(record->number, std::move(letters));
  if (!runs) return R"({"error":"this handler does not run"})";
  environment.log.info(action == DeadLetterAction::requeue ? "dead letters are offered again"
                                                           : "dead letters were discarded",
                       {{"handler", handler}, {"events", count}});
  return "{\"events\":" + std::to_string(count) + "}";
}

}  // namespace wxpush::server
