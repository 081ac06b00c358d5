#pragma once
// What a service consists of while it runs; private to the service_*.cpp files. The members stand
// in the order in which they need each other, so that they go in the reverse one.

#include "handlers/dispatch/dispatcher.h"
#include "handlers/dispatch/silent_watch.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"
#include "server/admin_endpoint.h"
#include "server/apps.h"
#include "server/confirmations.h"
#include "server/forwarder.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/push_endpoint.h"
#include "server/push_reporter.h"
#include "server/service.h"

#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace wxpush::server {

// Requests of the admin listener and socket are no pushes.
class SilentObserver final : public SessionObserver {
 public:
  void answered(const PushReport&, const Peer&, std::string_view, const queue::Appended*,
                std::chrono::nanoseconds) override {}
  void handshake(HandshakeResult) override {}
  void turned_away(const Peer&, bool) override {}
};

// One handler to run, whatever it was made from.
struct Registration {
  dispatch::FeedSettings feed;  // its number comes from the store
  std::function<std::unique_ptr<sink::Sink>()> make_sink;
  config::From from = config::From::automatic;
  std::string renamed_from;
};
// Files that are open once it serves, before the first connection.
std::size_t files_to_start(const config::Settings& settings);
// Throws StartError, with the handler's name.
std::unique_ptr<sink::Sink> make_sink(const Registration& registration);
// What is told of a handler that is gone while events wait for it.
std::string lost_handler(const std::string& name, std::uint64_t pending);
// Throw std::runtime_error with the file and why.
std::shared_ptr<boost::asio::ssl::context> make_tls(const config::TlsFiles& files);
WallTime not_after(const config::TlsFiles& files);

// Throws StartError if two handlers have one name.
std::vector<Registration> registrations(const config::Settings& settings,
                                        const sink::Callbacks& callbacks, Clock& clock, Log& log);

struct Service::Parts {
  config::Settings settings;
  Environment environment;
  const sink::Callbacks callbacks;  // those of a program that embeds us
  std::vector<Registration> handlers;
  std::vector<std::unique_ptr<sink::Sink>> sinks_ahead;  // of these, until they run
  std::vector<ListenSocket> adopted;                     // until they are listened on
  std::function<void()> waiting;                         // null: the store is not waited for
  std::optional<SteadyTime> lock_patience_ends;          // once it is being waited for
  std::shared_ptr<boost::asio::ssl::context> tls_ahead;  // until there is a host for it
  Forwarder forwarder;
  Metrics metrics;
  std::shared_ptr<const AppTable> apps;  // the worker's, after the start
  ConnectionLimits limits;
  ConnectionLimits admin_limits{256, 256, {}};
  WallTime started_at{};
  std::optional<WallTime> certificate_not_after;

  std::unique_ptr<queue::Queue> queue;
  std::unique_ptr<queue::Reader> admin_reader;  // start(), then the worker's
  std::unique_ptr<PushReporter> reporter;
  std::unique_ptr<Confirmations> confirmations;
  SilentObserver admin_observer;
  std::unique_ptr<PushEndpoint> push_endpoint;
  std::unique_ptr<AdminEndpoint> admin_endpoint, socket_endpoint;
  std::unique_ptr<SessionHost> push_host, admin_host, socket_host;
  std::unique_ptr<dispatch::Dispatcher> dispatcher;
  std::mutex watch_mutex;  // of the pointer: the writer wakes what may be replaced
  std::unique_ptr<dispatch::SilentWatch> silent_watch;  // null: no limits

  IoThreads io;        // pushes
  IoThreads admin_io;  // one thread: health and readiness, and the sockets of the rest
  boost::asio::thread_pool worker{1};  // metrics, status, quarantine: what reads the store
  boost::asio::io_context acceptor;
  std::vector<std::unique_ptr<Listener>> push_listeners;
  std::unique_ptr<Listener> admin_listener, socket_listener;
  std::thread acceptor_thread;

  SettingsSource settings_source;
  std::mutex changing;  // the handlers: the start, a reload, or the end
  std::atomic<bool> worker_stopped = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<std::chrono::milliseconds> drain;  // as asked for; none: as the settings say
  std::size_t callbacks_running = 0;               // abandoned at the end of the drain
  bool stop_requested = false, now = false, failed = false, started = false, stopped = false;
  bool handing_over = false;      // somebody waits to take our place
  bool deliveries_ended = false;  // by make_way()

  Parts(config::Settings s, Environment e, const sink::Callbacks& callbacks);
  std::shared_ptr<const AppTable> make_apps(const std::vector<config::App>& wanted);
  ~Parts() { shut(std::chrono::milliseconds(0)); }

  void make_ahead();
  void open_store();
  bool wait_for_lock();
  void look_ahead();
  void recall_key_uses();
  void register_handlers();
  bool begins_at_oldest(const Registration& handler, bool empty) const;
  void run_handler(const Registration& handler, std::unique_ptr<sink::Sink> sink,
                   std::unique_ptr<queue::Reader> reader, bool oldest);
  void run_feed(const Registration& handler, std::uint32_t number, std::unique_ptr<sink::Sink> sink,
                std::unique_ptr<queue::Reader> reader);
  void refuse_lost_handlers(const std::vector<queue::HandlerRecord>& records,
                            queue::Reader& reader);
  void retire_orphans();
  static void refuse_if_pending(const queue::HandlerRecord& record, queue::Reader& reader);

  // All on the worker (service_reload.cpp).
  struct Prepared;
  struct Beginning;
  ReloadReport reload(config::Settings wanted);
  Prepared prepare(const config::Settings& wanted);
  ReloadReport take_over(config::Settings wanted);
  void put_in_force(Prepared prepared, config::Settings wanted);
  bool is_known(const std::string& handler) const;
  std::chrono::milliseconds grace() const;
  void end_feed(const std::string& handler);
  std::uint64_t pending_of(const std::string& handler, queue::RowId last,
                           std::chrono::steady_clock::time_point until);
  void remove_handlers(const std::vector<std::string>& names);
  void remove_handler(const std::string& name);
  void lay_down(const std::string& name);
  void begin_handler(Beginning begin, const config::Settings& wanted);
  void resume(const std::string& name);
  void make_endpoints();
  void bind();
  void run();
  void open_quarantined();
  void watch_confirmations();
  void look_up_delivery(const std::string& handler, queue::RowId id);
  // Stopped and started again, it takes other limits.
  void start_silent_watch(const config::Orders& orders);
  void stop_silent_watch();
  void make_way(std::chrono::steady_clock::time_point until);
  bool handlers_are_awaited();
  void end_deliveries(std::chrono::steady_clock::time_point until);
  void shut(std::chrono::milliseconds deadline);
  bool wait_until(std::chrono::steady_clock::time_point until, const std::function<bool()>& done);

  void attempted(const dispatch::Attempt& attempt);
  AdminSources admin_sources();
  std::string status();
  std::string scrape();
  std::string retry();
  std::string reload_from_source();
  std::string forget_handler(const std::string& name);
  std::string erase(const std::string& ids, bool undelivered);
  std::string ask(dispatch::Ask what, const std::string& handler, const std::string& ids);
  queue::QueueObserver queue_observer();
  dispatch::DeliveryObserver delivery_observer();
};

}  // namespace wxpush::server
