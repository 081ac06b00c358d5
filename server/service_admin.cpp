// What a running service tells people and machines about itself.

#include "server/quarantine.h"
#include "server/service_parts.h"
#include "server/status.h"

namespace wxpush::server {

AdminSources Service::Parts::admin_sources() {
  AdminSources sources;
  sources.not_ready = [this] { return not_ready(queue->status(), push_host->draining); };
  sources.metrics = [this] { return scrape(); };
  sources.status = [this] { return status(); };
  sources.retry_quarantine = [this] { return retry(); };
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
    Metrics::Gauges::Handler handler{record.name, admin_reader->pending(record), 0};
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

}  // namespace wxpush::server
