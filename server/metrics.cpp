#include "server/metrics.h"

#include "handlers/event/message.h"
#include "server/version.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <sys/resource.h>
#include <unistd.h>

namespace wxpush::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

const Histogram::BucketBoundaries latency_buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                  0.1,    0.25,  0.5,    1,     2.5,  5};
const Histogram::BucketBoundaries batch_buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
const Histogram::BucketBoundaries age_buckets{1, 2, 5, 10, 20, 60, 300, 3600};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

Verdict verdict_at(std::size_t i) {
  return static_cast<Verdict>(i);
}
Cause cause_at(std::size_t i) {
  return static_cast<Cause>(i);
}

double resident_bytes() {
  std::ifstream in("/proc/self/statm");
  double pages = 0;
  in >> pages >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto time = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return time(usage.ru_utime) + time(usage.ru_stime);
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;

  Family<Counter>& counters(const std::string& name, const std::string& help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& gauges(const std::string& name, const std::string& help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histograms(const std::string& name, const std::string& help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }
  Histogram& histogram(const std::string& name, const std::string& help,
                       const Histogram::BucketBoundaries& buckets) {
    return histograms(name, help).Add({}, buckets);
  }
  Gauge& gauge(const std::string& name, const std::string& help) {
    return gauges(name, help).Add({});
  }

  struct Key {
    std::string name;
    Counter* uses = nullptr;  // null: free
    Gauge* last_used = nullptr;
  };
  struct App {
    std::string name;
    std::vector<Counter*> verdicts, causes;
    std::vector<Key> keys;  // most_keys of them; only who enrols knows how many are taken
    Gauge* last_accepted = nullptr;
    Counter* repeated = nullptr;
    // By type; null until the first one, so that /metrics lists what there is.
    std::vector<std::atomic<Counter*>> events{event::known_types + 1};
  };
  // Rows never move: I/O threads count in them while others are added.
  static constexpr std::size_t most_apps = 4096;
  static constexpr std::size_t most_keys = 64;  // of an app, those of former settings included
  std::vector<std::unique_ptr<App>> apps{most_apps};
  std::unique_ptr<App> none;  // "-"
  std::size_t app_rows = 0;

  Family<Counter>& pushes =
      counters("wxpush_pushes_total", "Requests on the push listener by what became of them");
  Family<Counter>& refused =
      counters("wxpush_refused_total", "Refused pushes by cause, which the peer is never told");
  Family<Counter>& not_forwarded = counters(
      "wxpush_not_forwarded_total", "Pushes that a route's service did not answer, by cause");
  Family<Counter>& events =
      counters("wxpush_events_total", "Events stored, by type (known types, else other)");
  Family<Counter>& marked =
      counters("wxpush_events_marked_total", "Events with a mark: stale or repeat");
  Family<Counter>& repeated = counters("wxpush_repeated_after_ack_total",
                                       "Pushes that came again after they had been acknowledged");
  Family<Counter>& key_uses =
      counters("wxpush_key_uses_total", "Pushes and handshakes proved by this key");
  Family<Gauge>& key_last =
      gauges("wxpush_key_last_used_timestamp_seconds", "When this key last proved a push");
  Family<Gauge>& last_accepted =
      gauges("wxpush_last_accepted_timestamp_seconds",
             "When a push of this app was last acknowledged, by us or by a route");
  Histogram& retry_gap = histogram("wxpush_retry_gap_seconds",
                                   "Time between two pushes of the same event", age_buckets);
  Histogram& age =
      histogram("wxpush_push_age_seconds", "Our time minus the push's timestamp", age_buckets);
  Histogram& ack =
      histogram("wxpush_ack_seconds", "From the first byte of a push to its 200", latency_buckets);
  Histogram& commit =
      histogram("wxpush_commit_seconds", "One commit, its fsync included", latency_buckets);
  Histogram& commit_events =
      histogram("wxpush_commit_events", "Events in one commit", batch_buckets);
  Family<Counter>& deliveries =
      counters("wxpush_deliveries_total", "Attempts to hand an event to a handler, by outcome");
  Family<Histogram>& delivery_seconds = histograms("wxpush_delivery_seconds", "One attempt");
  Family<Gauge>& pending =
      gauges("wxpush_pending_events", "Events a handler asked for and has not settled");
  Family<Gauge>& oldest = gauges("wxpush_oldest_pending_seconds", "Age of the oldest such event");
  Family<Gauge>& unreadable =
      gauges("wxpush_backlog_unreadable",
             "1: a damaged page of the store keeps these figures from being counted");
  Family<Gauge>& dead = gauges("wxpush_dead_letters", "Events that this handler refused for good");
  Family<Gauge>& breaker = gauges("wxpush_handler_breaker",
                                  "0: offered everything; 1: thought down; 2: one event to see");
  Family<Counter>& handshakes = counters("wxpush_tls_handshakes_total", "TLS handshakes by result");
  std::array<Counter*, 3> handshake_results{
      // as HandshakeResult counts them
      &handshakes.Add({{"result", "ok"}}), &handshakes.Add({{"result", "failed"}}),
      &handshakes.Add({{"result", "gone"}})};
  Family<Counter>& away =
      counters("wxpush_connections_refused_total", "Connections closed at once, by the limit");
  Counter& away_all = away.Add({{"limit", "max_connections"}});
  Counter& away_address = away.Add({{"limit", "max_connections_per_address"}});
  Gauge& connections = gauge("wxpush_connections", "Open connections on the push listener");
  Gauge& certificate =
      gauge("wxpush_certificate_not_after_seconds", "When the certificate in use expires");
  Gauge& store_bytes = gauge("wxpush_store_bytes", "Bytes of the store's files");
  Gauge& free_bytes = gauge("wxpush_store_free_bytes", "Free bytes of the store's file system");
  Gauge& wal_bytes = gauge("wxpush_wal_bytes", "Bytes of the write-ahead log");
  Gauge& quarantined = gauge("wxpush_quarantined_pushes", "Pushes kept because no key opens them");
  Gauge& reloaded = gauge("wxpush_config_last_reload_success",
                          "1: the settings were last read without an error; 0: the old ones stay");
  Gauge& resident = gauge("process_resident_memory_bytes", "Resident memory");
  Counter& processor = counters("process_cpu_seconds_total", "Processor time").Add({});

  struct HandlerMetrics {
    std::map<std::string, Counter*, std::less<>> outcomes;
    Histogram* seconds;
    Gauge* pending;
    Gauge* oldest;
    Gauge* unreadable;
    Gauge* dead;
    Gauge* breaker;
  };
  std::map<std::string, HandlerMetrics, std::less<>> handlers;
  mutable std::mutex handlers_mutex;
  std::mutex scrape_mutex;

  std::unique_ptr<App> make_app(const std::string& name, bool real) {
    auto app = std::make_unique<App>();
    app->name = name;
    for (std::size_t i = 0; i < verdict_count; ++i) {
      app->verdicts.push_back(
          &pushes.Add({{"app", name}, {"verdict", std::string(to_string(verdict_at(i)))}}));
    }
    for (std::size_t i = 1; i < cause_count; ++i) {
      auto& family = cause_at(i) < first_forward_cause ? refused : not_forwarded;
      app->causes.push_back(
          real ? &family.Add({{"app", name}, {"cause", std::string(to_string(cause_at(i)))}})
               : nullptr);
    }
    if (!real) return app;
    app->keys.resize(most_keys);
    app->last_accepted = &last_accepted.Add({{"app", name}});
    app->repeated = &repeated.Add({{"app", name}});
    for (const auto* mark : {"stale", "repeat"}) marked.Add({{"app", name}, {"mark", mark}});
    return app;
  }

  std::size_t row_of(const std::string& name) {
    for (std::size_t i = 0; i < app_rows; ++i) {
      if (apps[i]->name == name) return i;
    }
    if (app_rows == most_apps) return most_apps;
    apps[app_rows] = make_app(name, true);
    return app_rows++;
  }

  std::size_t key_row(App& app, const std::string& name) {
    for (std::size_t i = 0; i < app.keys.size(); ++i) {
      if (app.keys[i].uses == nullptr) {
        app.keys[i] = {name, &key_uses.Add({{"app", app.name}, {"key", name}}),
                       &key_last.Add({{"app", app.name}, {"key", name}})};
        return i;
      }
      if (app.keys[i].name == name) return i;
    }
    return most_keys;
  }

  App& at(std::size_t row) const { return row < most_apps && apps[row] ? *apps[row] : *none; }
  const Key* key_at(std::size_t row, std::size_t key) const {
    const App& app = at(row);
    return key < app.keys.size() ? &app.keys[key] : nullptr;
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  impl_->none = impl_->make_app("-", false);
  impl_->reloaded.Set(1);
  auto& build = impl_->gauges("wxpush_build_info", "Version of this program; always 1");
  build.Add({{"version", version}}).Set(1);
  impl_->gauge("process_start_time_seconds", "When the process started")
      .Set(seconds(std::chrono::system_clock::now().time_since_epoch()));
}

Metrics::AppRow Metrics::enrol_app(const MetricApp& app) {
  AppRow row{impl_->row_of(app.name), {}};
  for (const auto& key : app.keys) row.keys.push_back(impl_->key_row(impl_->at(row.app), key));
  return row;
}

void Metrics::enrol_handler(const std::string& name) {
  const std::lock_guard lock(impl_->handlers_mutex);
  if (impl_->handlers.contains(name)) return;
  Impl::HandlerMetrics handler{};
  for (const auto* outcome : {"done", "failed", "dead", "repeat"}) {
    handler.outcomes[outcome] = &impl_->deliveries.Add({{"handler", name}, {"outcome", outcome}});
  }
  handler.seconds = &impl_->delivery_seconds.Add({{"handler", name}}, latency_buckets);
  handler.pending = &impl_->pending.Add({{"handler", name}});
  handler.oldest = &impl_->oldest.Add({{"handler", name}});
  handler.unreadable = &impl_->unreadable.Add({{"handler", name}});
  handler.dead = &impl_->dead.Add({{"handler", name}});
  handler.breaker = &impl_->breaker.Add({{"handler", name}});
  impl_->handlers.emplace(name, std::move(handler));
}

void Metrics::retire_handler(const std::string& name) {
  const std::lock_guard lock(impl_->handlers_mutex);
  const auto found = impl_->handlers.find(name);
  if (found == impl_->handlers.end()) return;
  const auto& handler = found->second;
  for (const auto& [outcome, counter] : handler.outcomes) impl_->deliveries.Remove(counter);
  impl_->delivery_seconds.Remove(handler.seconds);
  impl_->pending.Remove(handler.pending);
  impl_->oldest.Remove(handler.oldest);
  impl_->unreadable.Remove(handler.unreadable);
  impl_->dead.Remove(handler.dead);
  impl_->breaker.Remove(handler.breaker);
  impl_->handlers.erase(found);
}

Metrics::~Metrics() = default;

void Metrics::push(std::size_t app, Verdict verdict, Cause cause) {
  auto& row = impl_->at(app);
  row.verdicts[static_cast<std::size_t>(verdict)]->Increment();
  if (cause == Cause::none) return;
  if (auto* counter = row.causes[static_cast<std::size_t>(cause) - 1]) counter->Increment();
}
void Metrics::acknowledged(std::chrono::nanoseconds took) {
  impl_->ack.Observe(seconds(took));
}
void Metrics::push_age(std::int64_t age) {
  impl_->age.Observe(static_cast<double>(age));
}
void Metrics::event_stored(std::size_t app, const std::string& type) {
  auto& row = impl_->at(app);
  const auto number = event::type_number(type);
  auto* counter = row.events[number].load(std::memory_order_acquire);
  if (counter == nullptr) {  // two threads get the same one
    const std::string label = number < event::known_types ? type : "other";
    counter = &impl_->events.Add({{"app", row.name}, {"type", label}});
    row.events[number].store(counter, std::memory_order_release);
  }
  counter->Increment();
}
void Metrics::event_marked(std::string_view app, std::string_view mark) {
  impl_->marked.Add({{"app", std::string(app)}, {"mark", std::string(mark)}}).Increment();
}
void Metrics::key_used(std::size_t app, std::size_t key, std::int64_t unix_seconds,
                       std::uint64_t uses) {
  const auto* row = impl_->key_at(app, key);
  if (row == nullptr) return;
  row->uses->Increment(static_cast<double>(uses));
  row->last_used->Set(static_cast<double>(unix_seconds));
}
void Metrics::accepted(std::size_t app, std::int64_t unix_seconds) {
  if (auto* gauge = impl_->at(app).last_accepted) gauge->Set(static_cast<double>(unix_seconds));
}
void Metrics::repeated_after_ack(std::size_t app) {
  if (auto* counter = impl_->at(app).repeated) counter->Increment();
}
void Metrics::retry_gap(std::chrono::nanoseconds gap) {
  impl_->retry_gap.Observe(seconds(gap));
}
void Metrics::commit(std::chrono::nanoseconds took, std::size_t events) {
  impl_->commit.Observe(seconds(took));
  impl_->commit_events.Observe(static_cast<double>(events));
}
void Metrics::delivery(std::string_view handler, std::string_view outcome,
                       std::chrono::nanoseconds took) {
  const std::lock_guard lock(impl_->handlers_mutex);
  const auto found = impl_->handlers.find(handler);
  if (found == impl_->handlers.end()) return;
  const auto counter = found->second.outcomes.find(outcome);
  if (counter != found->second.outcomes.end()) counter->second->Increment();
  found->second.seconds->Observe(seconds(took));
}
void Metrics::unoffered(std::string_view handler, std::string_view outcome, std::size_t events) {
  const std::lock_guard lock(impl_->handlers_mutex);
  const auto found = impl_->handlers.find(handler);
  if (found == impl_->handlers.end()) return;
  const auto counter = found->second.outcomes.find(outcome);
  if (counter != found->second.outcomes.end())
    counter->second->Increment(static_cast<double>(events));
}
void Metrics::reloaded(bool succeeded) {
  impl_->reloaded.Set(succeeded ? 1 : 0);
}
void Metrics::tls_handshake(HandshakeResult result) {
  impl_->handshake_results.at(static_cast<std::size_t>(result))->Increment();
}

void Metrics::turned_away(bool by_address) {
  (by_address ? impl_->away_address : impl_->away_all).Increment();
}

std::string Metrics::scrape(const Gauges& gauges) {
  const std::lock_guard lock(impl_->scrape_mutex);
  impl_->connections.Set(static_cast<double>(gauges.connections));
  impl_->certificate.Set(static_cast<double>(gauges.certificate_not_after));
  impl_->store_bytes.Set(static_cast<double>(gauges.store_bytes));
  impl_->free_bytes.Set(static_cast<double>(gauges.free_bytes));
  impl_->wal_bytes.Set(static_cast<double>(gauges.wal_bytes));
  impl_->quarantined.Set(static_cast<double>(gauges.quarantined));
  {
    const std::lock_guard handlers_lock(impl_->handlers_mutex);
    for (const auto& handler : gauges.handlers) {
      const auto found = impl_->handlers.find(handler.name);
      if (found == impl_->handlers.end()) continue;
      found->second.pending->Set(handler.pending);
      found->second.oldest->Set(handler.oldest_pending_seconds);
      found->second.unreadable->Set(handler.readable ? 0 : 1);
      found->second.dead->Set(handler.dead_letters);
      found->second.breaker->Set(handler.breaker);
    }
  }
  impl_->resident.Set(resident_bytes());
  impl_->processor.Increment(processor_seconds() - impl_->processor.Value());
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

std::uint64_t Metrics::pushes(std::size_t app, Verdict verdict) const {
  return static_cast<std::uint64_t>(
      impl_->at(app).verdicts[static_cast<std::size_t>(verdict)]->Value());
}
std::uint64_t Metrics::key_uses(std::size_t app, std::size_t key) const {
  const auto* row = impl_->key_at(app, key);
  return row == nullptr ? 0 : static_cast<std::uint64_t>(row->uses->Value());
}
std::int64_t Metrics::key_last_used(std::size_t app, std::size_t key) const {
  const auto* row = impl_->key_at(app, key);
  return row == nullptr ? 0 : static_cast<std::int64_t>(row->last_used->Value());
}
std::int64_t Metrics::last_accepted(std::size_t app) const {
  const auto* gauge = impl_->at(app).last_accepted;
  return gauge == nullptr ? 0 : static_cast<std::int64_t>(gauge->Value());
}
std::uint64_t Metrics::deliveries(std::string_view handler, std::string_view outcome) const {
  const std::lock_guard lock(impl_->handlers_mutex);
  const auto found = impl_->handlers.find(handler);
  if (found == impl_->handlers.end()) return 0;
  const auto counter = found->second.outcomes.find(outcome);
  return counter == found->second.outcomes.end()
             ? 0
             : static_cast<std::uint64_t>(counter->second->Value());
}

}  // namespace wxpush::server
