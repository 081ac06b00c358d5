#include "server/status.h"

#include "config/names.h"
#include "handlers/base/time_text.h"
#include "handlers/event/json.h"
#include "server/version.h"

#include <unistd.h>
#include <utility>

namespace wxpush::server {
namespace {

using event::JsonWriter;

std::string_view space_name(queue::SpaceState space) {
  switch (space) {
    case queue::SpaceState::ok:
      return "ok";
    case queue::SpaceState::low:
      return "low";
    case queue::SpaceState::full:
      return "full";
  }
  return "ok";
}

void unsigned_member(JsonWriter& json, std::string_view name, std::uint64_t value) {
  json.key(name).integer(static_cast<std::int64_t>(value));
}

// null: not known.
void count_member(JsonWriter& json, std::string_view name,
                  const std::optional<std::uint64_t>& value) {
  if (value) return unsigned_member(json, name, *value);
  json.key(name).null();
}

void time_member(JsonWriter& json, std::string_view name, const std::optional<WallTime>& time) {
  json.key(name);
  if (time) {
    json.string(to_rfc3339(*time));
  } else {
    json.null();
  }
}

std::optional<WallTime> from_unix(std::int64_t seconds) {
  if (seconds == 0) return std::nullopt;
  return WallTime{std::chrono::seconds{seconds}};
}

void write_store(JsonWriter& json, const StatusSources& sources, const queue::QueueStatus& status) {
  json.key("store").begin_object();
  json.key("path").string(sources.settings.store.path.string());
  json.key("incarnation").string(queue::to_text(status.incarnation));
  time_member(json, "restored_at", status.restored_at);
  unsigned_member(json, "last_id", status.last_id);
  unsigned_member(json, "waiting", status.waiting);
  json.key("space").string(space_name(status.space));
  json.key("failure");
  if (status.failed) {
    json.string(status.failure);
  } else {
    json.null();
  }
  unsigned_member(json, "store_bytes", status.store_bytes);
  unsigned_member(json, "free_bytes", status.free_bytes);
  unsigned_member(json, "wal_bytes", status.wal_bytes);
  unsigned_member(json, "quarantined", status.quarantined);
  unsigned_member(json, "commits", status.commits);
  unsigned_member(json, "committed_events", status.committed_events);
  json.key("checkpoint_pinned").boolean(status.checkpoint_pinned);
  json.key("encryption_key");
  if (status.body_key.empty()) {
    json.null();
  } else {
    json.string(status.body_key);
  }
  json.key("resealing").boolean(status.resealing);
  json.end_object();
}

void write_apps(JsonWriter& json, const StatusSources& sources) {
  json.key("apps").begin_array();
  for (const auto& app : sources.apps.all()) {
    json.begin_object();
    json.key("name").string(app->name).key("appid").string(app->codec.appid());
    for (const auto verdict :
         {Verdict::accepted, Verdict::duplicate, Verdict::forbidden, Verdict::quarantined,
          Verdict::not_durable, Verdict::overloaded, Verdict::forwarded, Verdict::not_forwarded,
          Verdict::not_confirmed}) {
      unsigned_member(json, to_string(verdict), sources.metrics.pushes(app->row.app, verdict));
    }
    time_member(json, "last_accepted_at", from_unix(sources.metrics.last_accepted(app->row.app)));
    json.key("keys").begin_array();
    for (std::size_t i = 0; i < app->codec.keys().size(); ++i) {
      json.begin_object();
      json.key("name").string(app->codec.keys()[i].name());
      const auto key = app->row.keys[i];
      unsigned_member(json, "uses", sources.metrics.key_uses(app->row.app, key));
      time_member(json, "last_used_at",
                  from_unix(sources.metrics.key_last_used(app->row.app, key)));
      json.end_object();
    }
    json.end_array().end_object();
  }
  json.end_array();
}

std::string type_of(const config::Settings& settings, const std::string& handler) {
  for (const auto& configured : settings.handlers) {
    if (configured.name == handler)
      return config::name_of(config::handler_type_names, configured.type);
  }
  return "callback";
}

std::string_view breaker_name(dispatch::Breaker::State state) {
  switch (state) {
    case dispatch::Breaker::State::closed:
      return "closed";
    case dispatch::Breaker::State::open:
      return "open";
    case dispatch::Breaker::State::probing:
      return "probing";
  }
  return "closed";
}

void write_handlers(JsonWriter& json, const StatusSources& sources) {
  json.key("handlers").begin_array();
  for (const auto& handler : sources.queue.handlers()) {
    json.begin_object();
    json.key("name").string(handler.name);
    json.key("type").string(handler.orphaned ? "orphaned"
                                             : type_of(sources.settings, handler.name));
    const auto backlog = backlog_of(sources.reader, handler);
    count_member(json, "pending", backlog ? std::optional(backlog->pending) : std::nullopt);
    time_member(json, "oldest_pending_at", backlog ? backlog->oldest_at : std::nullopt);
    unsigned_member(json, "delivered", sources.metrics.deliveries(handler.name, "done"));
    unsigned_member(json, "failures", sources.metrics.deliveries(handler.name, "failed"));
    count_member(json, "dead_letters",
                 backlog ? std::optional(backlog->dead_letters) : std::nullopt);
    json.key("breaker").string(breaker_name(sources.dispatcher.breaker(handler.name)));
    json.key("stalled").boolean(sources.dispatcher.stalled(handler.name));
    auto error = sources.dispatcher.last_error(handler.name);
    if (!backlog) {
      std::string told = "what waits for it cannot be counted: the store is damaged";
      if (!error.empty()) told.append("; ").append(error);
      error = std::move(told);
    }
    json.key("last_error");
    if (error.empty()) {
      json.null();
    } else {
      json.string(error);
    }
    json.end_object();
  }
  json.end_array();
}

std::vector<std::string> warnings(const StatusSources& sources, const queue::QueueStatus& status) {
  std::vector<std::string> out;
  if (status.quarantined > 0) {
    out.push_back(std::to_string(status.quarantined) +
                  " pushes wait in the quarantine: no key opens them; add the key that WeChat's "
                  "console shows");
  }
  if (status.checkpoint_pinned)
    out.emplace_back("a reader holds the store's log: end long-running readers of the store");
  if (sources.certificate_not_after &&
      *sources.certificate_not_after - sources.now < std::chrono::hours{24 * 14}) {
    out.push_back("the certificate expires at " + to_rfc3339(*sources.certificate_not_after));
  }
  for (const auto& handler : sources.queue.handlers()) {
    if (!sources.dispatcher.stalled(handler.name)) continue;
    out.push_back("too many orders wait for the handler " + handler.name +
                  ": it reads no further until some are through; the others' events are safe in "
                  "the store");
  }
  if (status.space != queue::SpaceState::ok)
    out.emplace_back("the store has no space: pushes are answered 503");
  return out;
}

}  // namespace

std::optional<Backlog> backlog_of(queue::Reader& reader, const queue::HandlerRecord& handler) {
  try {
    return Backlog{reader.pending(handler), reader.oldest_pending(handler),
                   reader.dead_count(handler.number)};
  } catch (const queue::StoreError&) {
    return std::nullopt;
  }
}

std::vector<std::string> not_ready(const queue::QueueStatus& status, bool draining) {
  std::vector<std::string> reasons;
  if (draining) reasons.emplace_back("draining: the process is about to stop");
  if (status.failed) reasons.push_back("store failed: " + status.failure);
  if (status.space == queue::SpaceState::low)
    reasons.emplace_back("store space low: below min_free or above max_size");
  if (status.space == queue::SpaceState::full)
    reasons.emplace_back("store full: the disk takes no more bytes");
  if (status.append_queue_full)
    reasons.emplace_back("append queue full: the disk is slower than the pushes");
  return reasons;
}

std::string status_json(const StatusSources& sources) {
  const auto status = sources.queue.status();
  const auto reasons = not_ready(status, sources.draining);
  JsonWriter json;
  json.begin_object();
  json.key("version").string(version);
  json.key("pid").integer(getpid());
  json.key("started_at").string(to_rfc3339(sources.started_at));
  json.key("ready").boolean(reasons.empty());
  json.strings("not_ready", reasons);
  json.key("draining").boolean(sources.draining);
  json.strings("listening", sources.listening);
  json.key("admin").string(sources.admin);
  unsigned_member(json, "connections", sources.connections);
  write_store(json, sources, status);
  write_apps(json, sources);
  write_handlers(json, sources);
  time_member(json, "certificate_not_after", sources.certificate_not_after);
  json.strings("warnings", warnings(sources, status));
  json.end_object();
  return json.take();
}

}  // namespace wxpush::server
