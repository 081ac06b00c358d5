// Settings that change while the service runs. What can be made ahead is made first, so that a
// mistake changes nothing. What may still fail then is the disk: a handler that cannot begin leaves
// its former one running, and what was taken over before it counts as in force.

#include "config/changes.h"
#include "handlers/event/json.h"
#include "server/service_parts.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>

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

std::string to_json(const ReloadReport& report) {
  event::JsonWriter json;
  json.begin_object();
  json.strings("changed", report.changed);
  json.strings("needs_restart", report.needs_restart);
  json.end_object();
  return json.take();
}

std::string to_json(const std::vector<std::string>& errors) {
  event::JsonWriter json;
  json.begin_object();
  json.strings("errors", errors);
  json.end_object();
  return json.take();
}

}  // namespace

// What is made ahead, so that nothing is half in force when something cannot be made.
struct Service::Parts::Beginning {
  Registration handler;
  std::unique_ptr<sink::Sink> sink;
  std::unique_ptr<queue::Reader> reader;
};

struct Service::Parts::Prepared {
  config::Changes changes;
  std::vector<Registration> handlers;  // all that are wanted
  std::vector<Beginning> beginning;    // of these, those that are added or changed
  std::vector<std::string> gone;       // whose place nobody takes
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
    if (begins) made.beginning.push_back({handler, make_sink(handler), queue->reader()});
  }
  for (const auto& name : made.changes.handlers.removed) {
    const auto takes_its_place = [&](const Registration& one) {
      return one.renamed_from == name && !is_known(one.feed.name);
    };
    if (std::ranges::none_of(made.handlers, takes_its_place)) made.gone.push_back(name);
  }
  if (!made.changes.apps.empty()) made.apps = make_apps(wanted.apps);
  if (settings.server.tls && wanted.server.tls) {
    made.tls = make_tls(*wanted.server.tls);
    made.certificate_not_after = not_after(*wanted.server.tls);
  }
  return made;
}

bool Service::Parts::is_known(const std::string& handler) const {
  const auto all = queue->handlers();
  return std::ranges::find(all, handler, &queue::HandlerRecord::name) != all.end();
}

milliseconds Service::Parts::grace() const {
  return push_host->draining ? milliseconds(0) : attempts_grace;
}

void Service::Parts::end_feed(const std::string& handler) {
  dispatcher->remove(handler, grace());
}

// What the handler has still before it, of what was stored when it was told of the last event.
std::uint64_t Service::Parts::pending_of(const std::string& handler, queue::RowId last,
                                         std::chrono::steady_clock::time_point until) {
  for (;;) {
    const auto all = queue->handlers();
    const auto record = std::ranges::find(all, handler, &queue::HandlerRecord::name);
    const auto left = record == all.end() ? 0 : admin_reader->pending_up_to(*record, last);
    if (left == 0 || push_host->draining || std::chrono::steady_clock::now() >= until) return left;
    std::this_thread::sleep_for(look_again);
  }
}

// Each is told of no further event and gets a moment to settle what it has; what then still waits
// would be lost, so that all of them go on.
void Service::Parts::remove_handlers(const std::vector<std::string>& names) {
  struct Release {
    dispatch::Dispatcher& dispatcher;
    const std::vector<std::string>& names;
    ~Release() {
      for (const auto& name : names) dispatcher.release(name);
    }
  };
  const Release release{*dispatcher, names};
  const auto until = std::chrono::steady_clock::now() + backlog_grace;
  std::string refused;
  for (const auto& name : names) {
    const auto last = dispatcher->hold(name).value_or(queue->status().last_id);
    const auto left = pending_of(name, last, until);
    if (left > 0) refused += (refused.empty() ? "" : "\n") + lost_handler(name, left);
  }
  if (!refused.empty()) throw ReloadError(refused);
  for (const auto& name : names) remove_handler(name);
}

void Service::Parts::remove_handler(const std::string& name) {
  const bool ran = dispatcher->runs(name);
  end_feed(name);
  try {
    if (!queue->retire_handler(name)) throw ReloadError(lost_handler(name, 1));
  } catch (...) {
    if (ran) resume(name);
    throw;
  }
  lay_down(name);
}

// It is no longer one of those in force: whoever wants it again adds it.
void Service::Parts::lay_down(const std::string& name) {
  metrics.retire_handler(name);
  std::erase_if(handlers, [&](const Registration& one) { return one.feed.name == name; });
  std::erase_if(settings.handlers, [&](const config::Handler& one) { return one.name == name; });
}

// As it was, with its record as it stands.
void Service::Parts::resume(const std::string& name) {
  try {
    const auto all = queue->handlers();
    const auto record = std::ranges::find(all, name, &queue::HandlerRecord::name);
    const auto handler = std::ranges::find(
        handlers, name,
        [](const Registration& one) -> const std::string& { return one.feed.name; });
    if (record == all.end() || handler == handlers.end()) return lay_down(name);
    run_feed(*handler, record->number, make_sink(*handler), queue->reader());
  } catch (const std::exception& error) {
    lay_down(name);
    environment.log.error("a handler stands still: nothing of it is lost, reload again or restart",
                          {{"handler", name}, {"error", error.what()}});
  }
}

// One whose place cannot be taken over goes on as it was.
void Service::Parts::begin_handler(Beginning begin, const config::Settings& wanted) {
  const Registration& handler = begin.handler;
  const std::string& name = handler.feed.name;
  const std::string former = is_known(name) ? name : handler.renamed_from;
  const bool ran = dispatcher->runs(former);
  if (ran) end_feed(former);
  try {
    run_handler(handler, std::move(begin.sink), std::move(begin.reader),
                begins_at_oldest(handler, queue->empty()));
  } catch (...) {
    if (ran) resume(former);
    throw;
  }
  if (former != name) lay_down(former);
  std::erase_if(handlers, [&](const Registration& one) { return one.feed.name == name; });
  std::erase_if(settings.handlers, [&](const config::Handler& one) { return one.name == name; });
  handlers.push_back(handler);
  const auto its = std::ranges::find(wanted.handlers, name, &config::Handler::name);
  if (its != wanted.handlers.end()) settings.handlers.push_back(*its);
}

void Service::Parts::put_in_force(Prepared prepared, config::Settings wanted) {
  remove_handlers(prepared.gone);
  for (auto& begin : prepared.beginning) begin_handler(std::move(begin), wanted);
  handlers = std::move(prepared.handlers);
  settings.handlers = std::move(wanted.handlers);
  if (prepared.apps) {
    apps = prepared.apps;
    push_endpoint->replace(apps);
    settings.apps = std::move(wanted.apps);
    recall_key_uses();
    open_quarantined();
  }
  watch_confirmations();
  if (prepared.tls) {
    push_host->tls.set(prepared.tls);
    certificate_not_after = prepared.certificate_not_after;
    settings.server.tls = wanted.server.tls;
  }
  if (!prepared.changes.orders) return;
  stop_silent_watch();
  settings.orders = {};  // if it cannot begin: the next reload finds it changed
  start_silent_watch(wanted.orders);
  settings.orders = wanted.orders;
}

ReloadReport Service::Parts::take_over(config::Settings wanted) {
  ReloadReport report;
  auto prepared = prepare(wanted);
  tell(report, "app", prepared.changes.apps);
  tell(report, "handler", prepared.changes.handlers);
  if (prepared.changes.certificate || prepared.certificate_not_after != certificate_not_after)
    report.changed.emplace_back("certificate: changed");
  if (prepared.changes.orders) report.changed.emplace_back("orders: changed");
  report.needs_restart = prepared.changes.restart;
  put_in_force(std::move(prepared), std::move(wanted));
  return report;
}

ReloadReport Service::Parts::reload(config::Settings wanted) {
  const std::lock_guard lock(changing);
  if (!started || push_host->closing || push_host->draining)
    throw ReloadError("the server is stopping");
  try {
    auto report = take_over(std::move(wanted));
    for (const auto& line : report.changed) environment.log.info("reloaded", {{"changed", line}});
    for (const auto& key : report.needs_restart)
      environment.log.warning("a changed setting needs a restart", {{"setting", key}});
    environment.log.info("the settings were reloaded", {{"changes", report.changed.size()}});
    metrics.reloaded(true);
    return report;
  } catch (const std::exception& error) {
    metrics.reloaded(false);
    environment.log.error("reload refused: the old settings stay", {{"error", error.what()}});
    throw ReloadError(error.what());
  }
}

std::string Service::Parts::reload_from_source() {
  if (!settings_source)
    return to_json(std::vector<std::string>{"this program does not read its settings from a file"});
  std::vector<std::string> errors;
  try {
    auto loaded = settings_source();
    if (auto* wanted = std::get_if<config::Settings>(&loaded))
      return to_json(reload(std::move(*wanted)));
    for (const auto& problem : std::get<std::vector<config::Problem>>(loaded))
      errors.push_back(config::to_string(problem));
  } catch (const ReloadError& error) {
    return to_json(std::vector<std::string>{error.what()});
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
  if (std::ranges::find(callbacks, name, &sink::CallbackHandler::name) != callbacks.end())
    return R"({"error":"it is a callback of the program that runs here"})";
  if (!is_known(name)) return R"({"forgotten":false})";
  end_feed(name);
  lay_down(name);
  // A million rows take seconds, and a drain waits for us.
  const auto go_on = [this] {
    const std::lock_guard end(mutex);
    return !stop_requested && !failed;
  };
  if (queue->forget_handler(name, go_on) == queue::Forgotten::in_part)
    return R"({"error":"forgotten in part, since the server stops: ask again when it is back"})";
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
