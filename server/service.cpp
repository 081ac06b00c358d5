// The life of a service: how it starts, and what it does while it runs.

#include "handlers/base/thread_name.h"
#include "handlers/base/thread_priority.h"
#include "handlers/event/order_silent.h"
#include "server/open_files.h"
#include "server/quarantine.h"
#include "server/service_parts.h"
#include "server/version.h"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace wxpush::server {
namespace {

using std::chrono::milliseconds;

// What is not decided by then becomes an event when there is space, or is tried again at the next
// start.
constexpr milliseconds quarantine_deadline{2000};

}  // namespace

Service::Service(config::Settings settings, Environment environment,
                 const sink::Callbacks& callbacks) {
  require_open_files(files_to_start(settings));
  parts_ = std::make_unique<Parts>(std::move(settings), environment, callbacks);
}
Service::~Service() = default;

void Service::start() {
  // A reload that was asked for meanwhile (SIGHUP) waits until everything is in its place.
  const std::lock_guard no_reload(parts_->changing);
  try {
    parts_->make_ahead();
    parts_->open_store();
    parts_->register_handlers();
    parts_->make_endpoints();
    parts_->bind();
    parts_->run();
  } catch (const queue::StoreError& error) {
    throw StartError(error.exit_code(), error.what());
  }
}

void Service::Parts::attempted(const dispatch::Attempt& attempt) {
  const bool done = attempt.error.empty();
  const auto* outcome = done ? "done" : attempt.dead ? "dead" : "failed";
  metrics.delivery(attempt.handler, outcome, attempt.took);
  if (done || attempt.dead) confirmations->settled(attempt.handler, attempt.stored.id, done);
  if (done) return;
  const auto level = attempt.dead ? LogLevel::error : LogLevel::warning;
  environment.log.write(level,
                        attempt.dead ? "a handler refused an event for good: it is a dead letter"
                                     : "a handler failed and will be offered the event again",
                        {{"handler", attempt.handler},
                         {"id", attempt.stored.id},
                         {"event_id", event::to_string(attempt.stored.event_id)},
                         {"order_key", attempt.stored.order_key},
                         {"attempt", attempt.number},
                         {"error", attempt.error}});
}

void Service::Parts::watch_confirmations() {
  std::map<std::string, std::vector<std::string>> watched;
  for (const auto& app : settings.apps) {
    if (app.ack_after == config::AckAfter::local) continue;
    const auto handler =
        std::ranges::find(settings.handlers, app.ack_handler, &config::Handler::name);
    if (handler != settings.handlers.end()) watched[handler->name] = handler->events;
  }
  confirmations->watch(std::move(watched));
}

// A push that came again: its event may have been handed over long ago. What cannot be read (a page
// is damaged) stays unconfirmed.
void Service::Parts::look_up_delivery(const std::string& handler, queue::RowId id) {
  boost::asio::post(worker, [this, handler, id] {
    try {
      const auto stored = admin_reader->find(id);
      if (!stored) return;
      for (const auto& delivery : admin_reader->deliveries(*stored)) {
        if (delivery.handler != handler || delivery.state == queue::DeliveryState::pending)
          continue;
        confirmations->settled(handler, id, delivery.state == queue::DeliveryState::delivered);
      }
    } catch (const std::exception& error) {
      environment.log.error(
          "could not find out whether an event was handed over; its push, which "
          "came again, is answered 503",
          {{"handler", handler}, {"id", id}, {"error", error.what()}});
    }
  });
}

dispatch::DeliveryObserver Service::Parts::delivery_observer() {
  dispatch::DeliveryObserver observer;
  observer.attempted = [this](const dispatch::Attempt& attempt) { attempted(attempt); };
  observer.marked = [this](const std::string& app, const event::Marks& marks) {
    if (marks.stale) metrics.event_marked(app, "stale");
    if (marks.repeat_of != 0) metrics.event_marked(app, "repeat");
  };
  observer.unoffered = [this](const std::string& handler, dispatch::Unoffered why,
                              std::size_t events) {
    if (why == dispatch::Unoffered::repeat) return metrics.unoffered(handler, "repeat", events);
    metrics.unoffered(handler, "dead", events);
    environment.log.error("events waited longer than max_backlog_age: they are dead letters",
                          {{"handler", handler}, {"events", events}});
  };
  return observer;
}

queue::QueueObserver Service::Parts::queue_observer() {
  queue::QueueObserver observer;
  observer.committed_events = [this](queue::RowId last_id) {
    dispatcher->wake(last_id);
    const std::lock_guard lock(watch_mutex);
    if (silent_watch) silent_watch->wake(last_id);
  };
  observer.answered = [this] {
    io.hand_over();
    // Where both share a core, the I/O thread answers first and reads what comes back: so more
    // events share the next commit.
    std::this_thread::yield();
  };
  observer.marked = [this](std::uint32_t handler, std::uint64_t sequence) {
    dispatcher->committed(handler, sequence);
  };
  observer.committed = [this](std::chrono::nanoseconds took, std::size_t events) {
    metrics.commit(took, events);
  };
  observer.failed = [this](const std::string& what) {
    environment.log.error(
        "the store failed; nothing is acknowledged any more, and the process ends",
        {{"failure", what},
         {"remedy",
          "check the disk, then start again: the start procedure recovers what is there"}});
    const std::lock_guard lock(mutex);
    failed = true;
    changed.notify_all();
  };
  return observer;
}

void Service::Parts::run() {
  queue->start(queue_observer());
  dispatcher->start();
  dispatcher->wake(queue->status().last_id);
  start_silent_watch(settings.orders);
  io.start("wx-io");
  admin_io.start("wx-admin");
  boost::asio::post(admin_io.least_loaded().context, give_way_to_acknowledgements);
  boost::asio::post(worker, [] { name_this_thread("wx-worker"); });
  for (auto& listener : push_listeners) {
    listener->accept();
    environment.log.info("listening", {{"address", listener->address()},
                                       {"tls", settings.server.tls ? "on" : "off"}});
  }
  if (admin_listener) {
    admin_listener->accept();
    environment.log.info("admin listening", {{"address", admin_listener->address()}});
  }
  socket_listener->accept();
  open_quarantined();
  acceptor_thread = std::thread([this] {
    name_this_thread("wx-accept");
    take_no_processor_from_others();
    const auto work = boost::asio::make_work_guard(acceptor);
    acceptor.run();
  });
  environment.log.info("serving", {{"version", version},
                                   {"apps", settings.apps.size()},
                                   {"handlers", handlers.size()},
                                   {"store", settings.store.path.string()}});
  const std::lock_guard lock(mutex);
  started = true;
}

void Service::Parts::start_silent_watch(const config::Orders& orders) {
  if (orders.silent_after.empty()) return;
  auto append = [this](queue::NewEvent event, queue::AppendCallback done) {
    queue->append(std::move(event), std::move(done));
  };
  auto told = [this](const std::string& name) {
    const auto app = push_endpoint->apps()->find_by_name(name);
    if (app) metrics.event_stored(app->row.app, std::string(event::order_silent_type));
  };
  auto watch = std::make_unique<dispatch::SilentWatch>(
      orders.silent_after, queue->status().last_id, queue->reader(), std::move(append),
      std::move(told), environment.clock, environment.log);
  watch->start();
  {
    const std::lock_guard lock(watch_mutex);
    silent_watch = std::move(watch);
  }
  silent_watch->wake(queue->status().last_id);  // what was committed before it was in its place
}

void Service::Parts::stop_silent_watch() {
  std::unique_ptr<dispatch::SilentWatch> watch;
  {
    const std::lock_guard lock(watch_mutex);
    watch = std::move(silent_watch);
  }
  if (watch) watch->stop();
}

// With the keys of today. It does not hold up those who push: what it does not reach before its
// deadline waits for `wxpush quarantine retry`.
void Service::Parts::open_quarantined() {
  boost::asio::post(worker, [this] {
    try {
      retry_quarantine(*apps, *admin_reader, *queue, environment.log, quarantine_deadline,
                       push_host->draining);
    } catch (const std::exception& error) {
      environment.log.error("could not look into the quarantine", {{"error", error.what()}});
    }
  });
}

void Service::adopt(std::vector<ListenSocket> sockets) {
  parts_->adopted = std::move(sockets);
}

void Service::wait_for_store(std::function<void()> waiting) {
  parts_->waiting = std::move(waiting);
}

std::size_t Service::callbacks_running() const {
  return parts_->callbacks_running;
}

std::vector<std::string> Service::push_addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : parts_->push_listeners) addresses.push_back(listener->address());
  return addresses;
}

std::string Service::admin_address() const {
  return parts_->admin_listener ? parts_->admin_listener->address() : std::string{};
}

}  // namespace wxpush::server
