// From settings and callbacks to handlers that run.

#include "handlers/sink/http_sink.h"
#include "handlers/sink/log_handler.h"
#include "server/brokers.h"
#include "server/http_peer.h"
#include "server/service_parts.h"

#include <set>
#include <utility>

namespace wxpush::server {
namespace {

sink::HttpSettings http_settings(const config::Handler& handler) {
  const auto& http = handler.http;
  sink::HttpSettings settings;
  settings.peer = http_peer(http);
  for (const auto& secret : http.secrets) settings.secrets.push_back(secret.reveal());
  for (const auto& [name, value] : http.headers)
    settings.headers.emplace_back(name, value.reveal());
  settings.timeout = http.timeout;
  settings.peer.certificate = http.certificate;
  settings.peer.private_key = http.private_key;
  settings.permanent.assign(http.permanent.begin(), http.permanent.end());
  settings.peer.connections = handler.concurrency;
  return settings;
}

std::function<std::unique_ptr<sink::Sink>()> sink_maker(const config::Handler& handler,
                                                        Clock& clock, Log& log) {
  if (config::is_broker(handler.type)) {
    return [handler, &clock, &log] { return make_broker_sink(handler, clock, log); };
  }
  if (handler.type == config::HandlerType::http) {
    return [settings = http_settings(handler), &clock] {
      return sink::make_http_sink(settings, clock);
    };
  }
  return [call = sink::make_log_handler(handler.name, log),
          threads = std::size_t{handler.concurrency}] {
    return sink::make_callback_sink(call, threads);
  };
}

Registration from_settings(const config::Handler& handler, Clock& clock, Log& log) {
  Registration made;
  made.feed.name = handler.name;
  made.feed.apps = handler.apps;
  made.feed.events = handler.events;
  auto& lanes = made.feed.lanes;
  lanes.concurrency = handler.concurrency;
  lanes.hold_on_dead = handler.on_dead == config::OnDead::hold;
  lanes.retry = {handler.retry_min, handler.retry_max, handler.max_attempts, handler.give_up_after};
  made.feed.remove_repeats = handler.dedupe == config::Dedupe::business_key;
  made.feed.max_backlog_age = handler.max_backlog_age;
  made.from = handler.from;
  made.renamed_from = handler.renamed_from;
  made.make_sink = sink_maker(handler, clock, log);
  return made;
}

Registration from_callback(const sink::CallbackHandler& callback) {
  Registration made;
  made.feed.name = callback.name;
  made.feed.apps = callback.apps;
  made.feed.events = callback.events;
  auto& lanes = made.feed.lanes;
  lanes.concurrency = callback.concurrency;
  lanes.hold_on_dead = callback.hold_on_dead;
  lanes.retry = {callback.retry_min, callback.retry_max, callback.max_attempts,
                 callback.give_up_after};
  made.from = callback.from_oldest ? config::From::oldest : config::From::automatic;
  made.renamed_from = callback.renamed_from;
  made.make_sink = callback.make_sink;
  return made;
}

}  // namespace

std::vector<Registration> registrations(const config::Settings& settings,
                                        const sink::Callbacks& callbacks, Clock& clock, Log& log) {
  std::vector<Registration> all;
  all.reserve(settings.handlers.size() + callbacks.size());
  for (const auto& handler : settings.handlers) all.push_back(from_settings(handler, clock, log));
  for (const auto& callback : callbacks) all.push_back(from_callback(callback));
  std::set<std::string> names;
  for (const auto& one : all) {
    if (!names.insert(one.feed.name).second) {
      throw StartError(78, "two handlers are called " + one.feed.name +
                               ": a handler's name is its identity, choose another");
    }
  }
  return all;
}

}  // namespace wxpush::server
