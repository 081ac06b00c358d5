// Settings that change while the service runs. Everything that may fail is done first; what is put
// in force then cannot fail but for the disk.

#include "config/changes.h"
#include "handlers/event/json.h"
#include "server/service_parts.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <set>

namespace wxpush::server {
namespace {

using std::chrono::milliseconds;

// For attempts under way of a handler that changes or goes: what takes longer is repeated.
constexpr milliseconds attempts_grace{2000};
// For what a handler that goes has still before it.
constexpr milliseconds backlog_grace{2000};
constexpr milliseconds look_again{20};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

void tell(ReloadReport& report, const char* kind, const config::EntryChanges& changes) {
  const auto lines = [&](const std::vector<std::string>& names, const char* what) {
    for (const auto& name : names)
      report.changed.push_back(std::string(kind) + " " + name + ": " + what);
  };
  lines(changes.added, "added");
  lines(changes.changed, "changed");
  lines(changes.removed, "removed");
}

void strings(event::JsonWriter& json, std::string_view name,
             const std::vector<std::string>& values) {
  json.key(name).begin_array();
  for (const auto& value : values) json.string(value);
  json.end_array();
}

std::string to_json(const ReloadReport& report) {
  event::JsonWriter json;
  json.begin_object();
  strings(json, "changed", report.changed);
  strings(json, "needs_restart", report.needs_restart);
  json.end_object();
  return json.take();
}

std::string to_json(const std::vector<std::string>& errors) {
  event::JsonWriter json;
  json.begin_object();
  strings(json, "errors", errors);
  json.end_object();
  return json.take();
}

}  // namespace

// What is made ahead, so that nothing is half in force when something cannot be made.
struct Service::Parts::Prepared {
  config::Changes changes;
  std::vector<Registration> handlers;                        // all that are wanted
  std::map<std::string, std::unique_ptr<sink::Sink>> sinks;  // of those to be begun
  std::shared_ptr<const AppTable> apps;
  std::shared_ptr<boost::asio::ssl::context> tls;
  std::optional<WallTime> certificate_not_after;
};

Service::Parts::Prepared Service::Parts::prepare(const config::Settings& wanted) {
  Prepared made;
  made.changes = config::changes_between(settings, wanted);
  made.handlers = registrations(wanted, callbacks, environment.clock, environment.log);
  for (const auto& handler : made.handlers) {
    const bool begins = contains(made.changes.handlers.added, handler.feed.name) ||
                        contains(made.changes.handlers.changed, handler.feed.name);
    if (begins) made.sinks[handler.feed.name] = make_sink(handler);
  }
  if (!made.changes.apps.empty()) made.apps = make_apps(wanted.apps);
  if (settings.server.tls && wanted.server.tls) {
    made.tls = make_tls(*wanted.server.tls);
    made.certificate_not_after = not_after(*wanted.server.tls);
  }
  return made;
}

// Those that nobody takes the place of. Each is told of no further event and gets a moment to
// settle what it has; what then still waits would be lost, so that all of them go on.
void Service::Parts::remove_handlers(const std::vector<std::string>& names) {
  const auto until = std::chrono::steady_clock::now() + backlog_grace;
  std::string refused;
  for (const auto& name : names) {
    const auto last = dispatcher->hold(name);
    if (!last) continue;
    const auto pending = [&] {
      const auto all = queue->handlers();
      const auto record = std::ranges::find(all, name, &queue::HandlerRecord::name);
      return record == all.end() ? 0 : admin_reader->pending_up_to(*record, *last);
    };
    auto left = pending();
    while (left > 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(look_again);
      left = pending();
    }
    if (left == 0) continue;
    refused += (refused.empty() ? "" : "\n") + lost_handler(name, left);
  }
  if (!refused.empty()) {
    for (const auto& name : names) dispatcher->release(name);
    throw ReloadError(refused);
  }
  for (const auto& name : names) {
    dispatcher->remove(name, attempts_grace);
    queue->retire_handler(name);
    metrics.retire_handler(name);
  }
}

void Service::Parts::put_in_force(Prepared prepared, config::Settings wanted) {
  for (const auto& handler : prepared.handlers) {
    const auto sink = prepared.sinks.find(handler.feed.name);
    if (sink == prepared.sinks.end()) continue;
    for (const auto& former : {handler.feed.name, handler.renamed_from}) {
      if (former.empty() || !dispatcher->runs(former)) continue;
      dispatcher->remove(former, attempts_grace);
      if (former != handler.feed.name) metrics.retire_handler(former);
    }
    run_handler(handler, std::move(sink->second), begins_at_oldest(handler, queue->empty()));
  }
  if (prepared.apps) {
    apps = prepared.apps;
    push_endpoint->replace(apps);
    recall_key_uses();
  }
  if (prepared.tls) {
    push_host->tls.set(prepared.tls);
    certificate_not_after = prepared.certificate_not_after;
    settings.server.tls = wanted.server.tls;
  }
  if (prepared.changes.orders) {
    stop_silent_watch();
    settings.orders = wanted.orders;
    start_silent_watch();
  }
  handlers = std::move(prepared.handlers);
  settings.handlers = std::move(wanted.handlers);
  settings.apps = std::move(wanted.apps);
}

ReloadReport Service::Parts::reload(config::Settings wanted) {
  const std::lock_guard lock(changing);
  if (!push_host || push_host->draining) throw ReloadError("the server is stopping");
  ReloadReport report;
  try {
    auto prepared = prepare(wanted);
    auto gone = prepared.changes.handlers.removed;
    std::erase_if(gone, [&](const std::string& name) {
      return std::ranges::find(wanted.handlers, name, &config::Handler::renamed_from) !=
             wanted.handlers.end();
    });
    remove_handlers(gone);
    tell(report, "app", prepared.changes.apps);
    tell(report, "handler", prepared.changes.handlers);
    if (prepared.changes.certificate || prepared.certificate_not_after != certificate_not_after)
      report.changed.emplace_back("certificate: changed");
    if (prepared.changes.orders) report.changed.emplace_back("orders: changed");
    report.needs_restart = prepared.changes.restart;
    const bool keys_changed = !prepared.changes.apps.empty();
    put_in_force(std::move(prepared), std::move(wanted));
    if (keys_changed) open_quarantined();
  } catch (const ReloadError&) {
    throw;
  } catch (const std::exception& error) {
    throw ReloadError(error.what());
  }
  return report;
}

std::string Service::Parts::reload_from_source() {
  std::vector<std::string> errors;
  try {
    if (!settings_source) throw ReloadError("this program does not read its settings from a file");
    auto loaded = settings_source();
    if (auto* wanted = std::get_if<config::Settings>(&loaded)) {
      const auto report = reload(std::move(*wanted));
      for (const auto& line : report.changed) environment.log.info("reloaded", {{"changed", line}});
      for (const auto& key : report.needs_restart)
        environment.log.warning("a changed setting needs a restart", {{"setting", key}});
      environment.log.info("the settings were reloaded", {{"changes", report.changed.size()}});
      metrics.reloaded(true);
      return to_json(report);
    }
    for (const auto& problem : std::get<std::vector<config::Problem>>(loaded))
      errors.push_back(config::to_string(problem));
  } catch (const std::exception& error) {
    errors.emplace_back(error.what());
  }
  for (const auto& error : errors)
    environment.log.error("reload refused: the old settings stay", {{"error", error}});
  metrics.reloaded(false);
  return to_json(errors);
}

// A handler that the settings do not name any more, with all that waits for it.
std::string Service::Parts::forget_handler(const std::string& name) {
  const std::lock_guard lock(changing);
  dispatcher->remove(name, attempts_grace);
  const bool known = queue->forget_handler(name);
  metrics.retire_handler(name);
  std::erase_if(handlers, [&](const Registration& one) { return one.feed.name == name; });
  std::erase_if(settings.handlers, [&](const config::Handler& one) { return one.name == name; });
  if (!known) return R"({"error":"no handler has this name"})";
  environment.log.warning("a handler was forgotten, with all that waited for it",
                          {{"handler", name}});
  return R"({"forgotten":true})";
}

ReloadReport Service::reload(config::Settings wanted) {
  const auto task = std::make_shared<std::packaged_task<ReloadReport()>>(
      [parts = parts_.get(), settings = std::make_shared<config::Settings>(std::move(wanted))] {
        return parts->reload(std::move(*settings));
      });
  auto done = task->get_future();
  boost::asio::post(parts_->worker, [task] { (*task)(); });
  while (done.wait_for(look_again) != std::future_status::ready) {
    if (parts_->worker_stopped) throw ReloadError("the server is stopping");
  }
  return done.get();
}

void Service::set_settings_source(SettingsSource source) {
  parts_->settings_source = std::move(source);
}

void Service::request_reload() {
  boost::asio::post(parts_->worker, [parts = parts_.get()] { parts->reload_from_source(); });
}

}  // namespace wxpush::server
