// How a service ends: the drain, in its two orders.

#include "server/service_parts.h"

#include <algorithm>

namespace wxpush::server {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds feeds_grace{
    200};  // to notice that they are to end, even if the drain's time is over
// A connection that is kept alive learns from its next answer that it is the last. One that asks
// for none for so long is closed.
constexpr milliseconds keep_alive_grace{1000};

}  // namespace

int Service::wait(const std::function<void()>& failed) {
  auto& parts = *parts_;
  milliseconds deadline{0};
  bool make_way = false;
  bool store_failed = false;
  {
    std::unique_lock lock(parts.mutex);
    parts.changed.wait(lock, [&] { return parts.stop_requested || parts.failed; });
    store_failed = parts.failed;
    deadline =
        parts.failed ? failed_store_grace : parts.drain.value_or(parts.settings.server.drain);
    if (parts.now) deadline = milliseconds(0);
    make_way = parts.handing_over && !parts.failed && !parts.now;
  }
  if (store_failed && failed) failed();
  parts.environment.log.info(
      "draining", {{"connections", parts.io.connections()}, {"deadline_ms", deadline.count()}});
  if (make_way) {
    parts.make_way(std::chrono::steady_clock::now() + deadline);
    deadline = std::min(deadline, Service::last_requests);
  }
  parts.shut(deadline);
  const std::lock_guard lock(parts.mutex);
  parts.environment.log.info("stopped", {{"exit_code", parts.failed ? 74 : 0}});
  return parts.failed ? 74 : 0;
}

// A second signal ends the wait.
bool Service::Parts::wait_until(std::chrono::steady_clock::time_point until,
                                const std::function<bool()>& done) {
  constexpr milliseconds look_again{10};
  std::unique_lock lock(mutex);
  while (!done()) {
    if (now || std::chrono::steady_clock::now() >= until) return false;
    changed.wait_for(lock, look_again);
  }
  return true;
}

// Pushes are taken meanwhile. Where acknowledgements wait for a handler, it goes on, too.
void Service::Parts::make_way(std::chrono::steady_clock::time_point until) {
  push_host->closing = true;
  const auto grace = std::min(until, std::chrono::steady_clock::now() + keep_alive_grace);
  if (!handlers_are_awaited()) {
    end_deliveries(until);
    deliveries_ended = true;
  }
  wait_until(grace, [this] { return io.connections() == 0; });
}

bool Service::Parts::handlers_are_awaited() {
  const std::lock_guard no_reload(changing);
  return std::ranges::any_of(settings.apps, [](const config::App& app) {
    return app.ack_after != config::AckAfter::local;
  });
}

void Service::Parts::end_deliveries(std::chrono::steady_clock::time_point until) {
  dispatcher->request_stop();
  const std::lock_guard no_reload(changing);
  dispatcher->request_stop();  // also what a reload has begun meanwhile
  stop_silent_watch();
  if (started) wait_until(until, [this] { return dispatcher->running() == 0; });
}

// The order of a drain: readiness off; accept stops; requests in flight are answered and committed;
// deliveries end; the store closes.
void Service::Parts::shut(milliseconds deadline) {
  if (stopped) return;
  stopped = true;
  const auto until = std::chrono::steady_clock::now() + deadline;
  if (push_host) push_host->draining = true;
  for (auto& listener : push_listeners) started ? listener->close_and_wait() : listener->close();
  io.drain();
  const auto none_left = [this] { return io.connections() == 0; };
  if (handing_over && started) {  // those that were just accepted have said something by then
    const auto said = std::chrono::steady_clock::now() + push_host->settings.first_bytes;
    if (!wait_until(std::min(until, said), none_left)) io.drain();
  }
  if (started && !wait_until(until, none_left)) {
    environment.log.warning("connections still open at the drain deadline were closed",
                            {{"connections", io.connections()}});
  }
  if (dispatcher) {
    end_deliveries(deliveries_ended ? std::chrono::steady_clock::now() : until);
    callbacks_running += dispatcher->stop(now ? milliseconds(0) : feeds_grace);
  }
  io.abort();
  worker_stopped = true;
  worker.stop();
  if (handing_over && started) {  // who takes our place listens there as soon as the store is free
    if (admin_listener) admin_listener->close_and_wait();
    socket_listener->close_and_wait();
  }
  if (queue) queue->stop();  // answers every append, also those that the worker waits for
  worker.join();
  callbacks_running += forwarder.stop();  // no session asks it any more, and no reload
  if (admin_listener) admin_listener->close();
  if (socket_listener) socket_listener->close();
  admin_io.abort();
  io.stop();
  admin_io.stop();
  acceptor.stop();
  if (acceptor_thread.joinable()) acceptor_thread.join();
}

void Service::stop(std::optional<milliseconds> deadline) {
  const std::lock_guard lock(parts_->mutex);
  if (!parts_->stop_requested) parts_->drain = deadline;
  parts_->stop_requested = true;
  parts_->changed.notify_all();
}

void Service::hand_over() {
  const std::lock_guard lock(parts_->mutex);
  if (!parts_->stop_requested) parts_->handing_over = true;
  if (parts_->started) parts_->push_host->closing = true;
  parts_->stop_requested = true;
  parts_->changed.notify_all();
}

void Service::stop_now() {
  const std::lock_guard lock(parts_->mutex);
  parts_->stop_requested = parts_->now = true;
  parts_->changed.notify_all();
}

}  // namespace wxpush::server
