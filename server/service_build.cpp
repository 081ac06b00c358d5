// How a service is built: the store, the handlers, the endpoints, the listeners.

#include "crypto/tls/context.h"
#include "handlers/queue/look_ahead.h"
#include "server/key_fact.h"
#include "server/queue_settings.h"
#include "server/service_parts.h"

#include <algorithm>
#include <set>

namespace wxpush::server {
namespace {

using std::chrono::milliseconds;

// For the one that has the store to end; and between two looks whether it has: what waits in the
// sockets' queues waits for that, too.
constexpr std::chrono::seconds store_patience{60};
constexpr milliseconds look_again{2};
constexpr milliseconds admin_deadline{60'000};  // a reload waits for attempts under way

SessionSettings session_settings(const config::Server& server) {
  return {{server.max_header, server.max_body},
          server.handshake_timeout,
          server.header_timeout,
          server.idle_timeout,
          server.request_deadline,
          server.max_bodies};
}

std::size_t thread_count(std::uint32_t configured) {
  return configured != 0 ? configured : std::max(1U, std::thread::hardware_concurrency());
}

// Of an event loop: epoll, its wake-up, its timers. Of a handler: its loop, and its reader of the
// store. Of the rest: the store, the loops of acceptor, admin and signals.
constexpr std::size_t files_of_loop = 3;
constexpr std::size_t files_of_handler = files_of_loop + 3;
constexpr std::size_t files_of_rest = 24;

}  // namespace

std::size_t files_to_start(const config::Settings& settings) {
  return files_of_rest + thread_count(settings.server.threads) * files_of_loop +
         settings.handlers.size() * files_of_handler + settings.server.listen.size();
}

std::unique_ptr<sink::Sink> make_sink(const Registration& registration) {
  try {
    return registration.make_sink();
  } catch (const std::exception& error) {
    throw StartError(78, "handler " + registration.feed.name + ": " + error.what());
  }
}

std::shared_ptr<boost::asio::ssl::context> make_tls(const config::TlsFiles& files) {
  return std::make_shared<boost::asio::ssl::context>(
      crypto::make_server_context(files.certificate.string(), files.private_key.string()));
}

WallTime not_after(const config::TlsFiles& files) {
  return std::chrono::time_point_cast<milliseconds>(
      crypto::certificate_not_after(files.certificate.string()));
}

Service::Parts::Parts(config::Settings s, Environment e, const sink::Callbacks& c)
    : settings(std::move(s)),
      environment(e),
      callbacks(c),
      handlers(registrations(settings, callbacks, e.clock, e.log)),
      forwarder(e.clock),
      apps(make_apps(settings.apps)),
      limits(settings.server.max_connections, settings.server.max_connections_per_address,
             settings.server.trusted_proxies),
      io(thread_count(settings.server.threads), e.clock, e.log),
      admin_io(1, e.clock, e.log) {}

std::shared_ptr<const AppTable> Service::Parts::make_apps(const std::vector<config::App>& wanted) {
  try {
    return std::make_shared<AppTable>(wanted, metrics, [this](const config::BackEnd& back_end) {
      return forwarder.target(back_end);
    });
  } catch (const std::exception& error) {
    throw StartError(78, error.what());
  }
}

// What needs no store: a mistake in it shows before anybody made way for us.
void Service::Parts::make_ahead() {
  for (const auto& one : handlers) sinks_ahead.push_back(make_sink(one));
  if (!settings.server.tls) return;
  try {
    tls_ahead = make_tls(*settings.server.tls);
    certificate_not_after = not_after(*settings.server.tls);
  } catch (const std::exception& error) {
    throw StartError(78, error.what());
  }
}

void Service::Parts::open_store() {
  started_at = environment.clock.wall();
  auto wanted = queue_settings(settings.store, environment.random);
  if (waiting) wanted.ask_again = [this] { return wait_for_lock(); };
  queue = queue::Queue::open(wanted, environment.clock, environment.disk, environment.log);
  admin_reader = queue->reader();
  reporter = std::make_unique<PushReporter>(metrics, limits, queue.get(), environment.clock,
                                            environment.log);
  dispatcher = std::make_unique<dispatch::Dispatcher>(environment.clock, environment.log);
  recall_key_uses();
}

bool Service::Parts::wait_for_lock() {
  const auto asked_at = environment.clock.steady();
  if (!lock_patience_ends) {
    look_ahead();
    environment.log.info("waiting for the process that has the store to end");
    waiting();
    lock_patience_ends = asked_at + store_patience;
  }
  {
    const std::lock_guard lock(mutex);
    if (stop_requested) throw StartError(0, "told to stop before the store was free");
  }
  std::this_thread::sleep_for(look_again);
  return asked_at < *lock_patience_ends;
}

// Beside the process that has the store: what would be refused once it has gone is refused now.
void Service::Parts::look_ahead() {
  if (!queue::look_ahead(settings.store.path, body_keys(settings.store))) return;
  const auto reader = open_reader(settings.store);
  refuse_lost_handlers(reader->handlers(), *reader);
}

// What earlier runs wrote down: "is this key still in use?" must not begin anew at each restart,
// which is a step of every change of keys.
void Service::Parts::recall_key_uses() {
  for (const auto& [name, text] : admin_reader->remembered(std::string(key_fact_prefix))) {
    const auto fact = read_key_fact(text);
    if (!fact) continue;
    const auto seconds = fact->last_used.time_since_epoch().count() / 1000;
    for (const auto& app : apps->all()) {
      for (std::size_t i = 0; i < app->codec.keys().size(); ++i) {
        const auto key = app->row.keys[i];
        const bool counted = metrics.key_uses(app->row.app, key) > 0;
        if (!counted && key_fact_name(app->name, app->codec.keys()[i].name()) == name)
          metrics.key_used(app->row.app, key, seconds, fact->uses);
      }
    }
  }
}

void Service::Parts::register_handlers() {
  // Before anything is changed, or the remedy would come too late.
  refuse_lost_handlers(queue->handlers(), *admin_reader);
  const bool empty = queue->empty();
  for (std::size_t i = 0; i < handlers.size(); ++i) {
    run_handler(handlers[i], std::move(sinks_ahead[i]), queue->reader(),
                begins_at_oldest(handlers[i], empty));
  }
  sinks_ahead.clear();
  retire_orphans();
}

bool Service::Parts::begins_at_oldest(const Registration& handler, bool empty) const {
  return handler.from == config::From::oldest || (handler.from == config::From::automatic && empty);
}

void Service::Parts::run_handler(const Registration& handler, std::unique_ptr<sink::Sink> sink,
                                 std::unique_ptr<queue::Reader> reader, bool oldest) {
  const auto record = queue->register_handler(handler.feed.name, handler.feed.apps,
                                              handler.feed.events, oldest, handler.renamed_from);
  run_feed(handler, record.number, std::move(sink), std::move(reader));
}

void Service::Parts::run_feed(const Registration& handler, std::uint32_t number,
                              std::unique_ptr<sink::Sink> sink,
                              std::unique_ptr<queue::Reader> reader) {
  metrics.enrol_handler(handler.feed.name);
  auto mark = [this, number](queue::LaneMarks marks) { queue->mark(number, std::move(marks)); };
  auto feed = handler.feed;
  feed.number = number;
  feed.retention_time = [this] { return queue->status().retention_time; };
  dispatcher->add(std::move(feed), std::move(reader), std::move(sink), std::move(mark),
                  delivery_observer());
}

void Service::Parts::refuse_if_pending(const queue::HandlerRecord& record, queue::Reader& reader) {
  const auto pending = reader.pending(record);
  if (pending == 0) return;
  throw StartError(78, lost_handler(record.name, pending));
}

std::string lost_handler(const std::string& name, std::uint64_t pending) {
  return "handler " + name + " is gone from the settings, but " + std::to_string(pending) +
         " events wait for it: put it back, give its place to another with renamed_from = \"" +
         name + "\", or give them up with `wxpush handler forget " + name + "`";
}

// Events that nobody will fetch are lost events: whoever takes a handler away must say what becomes
// of them.
void Service::Parts::refuse_lost_handlers(const std::vector<queue::HandlerRecord>& records,
                                          queue::Reader& reader) {
  std::set<std::string> claimed;
  for (const auto& one : handlers) {
    claimed.insert(one.feed.name);
    claimed.insert(one.renamed_from);
  }
  for (const auto& record : records) {
    if (!claimed.contains(record.name)) refuse_if_pending(record, reader);
  }
}

void Service::Parts::retire_orphans() {
  for (const auto& record : queue->handlers()) {
    if (!record.orphaned) continue;
    // Its place was promised to a handler that has one already.
    refuse_if_pending(record, *admin_reader);
    queue->retire_handler(record.name);  // what comes from now on does not wait for it
  }
}

void Service::Parts::make_endpoints() {
  push_endpoint =
      std::make_unique<PushEndpoint>(apps, environment.random, settings.server.max_push_age);
  push_host = std::unique_ptr<SessionHost>(
      new SessionHost{session_settings(settings.server), *push_endpoint, queue.get(),
                      environment.clock, environment.log, *reporter});
  confirmations = std::make_unique<Confirmations>(
      [this](const std::string& handler, queue::RowId id) { look_up_delivery(handler, id); });
  push_host->confirmations = confirmations.get();
  watch_confirmations();
  if (tls_ahead) push_host->tls.set(std::move(tls_ahead));
  admin_endpoint = std::make_unique<AdminEndpoint>(admin_sources(), false);
  socket_endpoint = std::make_unique<AdminEndpoint>(admin_sources(), true);
  SessionSettings admin_settings;
  admin_settings.request_deadline = admin_deadline;
  const auto host = [&](Endpoint& endpoint) {
    return std::unique_ptr<SessionHost>(new SessionHost{admin_settings,
                                                        endpoint,
                                                        nullptr,
                                                        environment.clock,
                                                        environment.log,
                                                        admin_observer,
                                                        {},
                                                        &worker});
  };
  admin_host = host(*admin_endpoint);
  socket_host = host(*socket_endpoint);
}

void Service::Parts::bind() {
  if (adopted.empty()) {
    for (const auto& address : settings.server.listen)
      adopted.push_back(ListenSocket::bind(address, push_socket_mode));
  }
  for (auto& socket : adopted) {
    push_listeners.push_back(
        std::make_unique<Listener>(acceptor, std::move(socket), io, *push_host, limits));
  }
  adopted.clear();
  const auto admin = [this](const config::ListenAddress& address, SessionHost& host) {
    return std::make_unique<Listener>(acceptor, ListenSocket::bind(address, admin_socket_mode),
                                      admin_io, host, admin_limits);
  };
  if (settings.admin.listen) admin_listener = admin(*settings.admin.listen, *admin_host);
  socket_listener = admin(config::UnixAddress{settings.admin_socket()}, *socket_host);
}

}  // namespace wxpush::server
