#pragma once
// Builds everything from settings, runs it, and takes it down in the one right order.

#include "config/load.h"
#include "config/settings.h"
#include "crypto/primitives/random.h"
#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/disk.h"
#include "handlers/sink/callbacks.h"
#include "server/listen_socket.h"
#include "server/start_error.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace wxpush::server {

// What a reload did, as lines for people.
struct ReloadReport {
  std::vector<std::string> changed;
  std::vector<std::string> needs_restart;  // settings that stay what they were until then
};
class ReloadError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
using SettingsSource = std::function<config::Loaded()>;

// What is passed in; all of it outlives the service.
struct Environment {
  Clock& clock;
  crypto::Random& random;
  queue::Disk& disk;
  Log& log;
};

// Life cycle: construct → start() → wait() on one thread, stop() from any → destruct.
class Service {
 public:
  Service(config::Settings settings, Environment environment,
          const sink::Callbacks& callbacks = {});
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Pushes are taken from these sockets instead of at [server] listen: others hold them, too, so
  // that they outlive us. Before start().
  void adopt(std::vector<ListenSocket> sockets);
  // Another process may have the store still: start() then checks what can be checked beside it,
  // calls `waiting`, and waits for the store: at most a minute (75), or until stop() (then it
  // throws with exit code 0). Before start().
  void wait_for_store(std::function<void()> waiting);

  // Opens the store, registers handlers, binds every listener, begins to serve, and then opens what
  // waits in the quarantine. Throws StartError; then nothing runs.
  void start();
  // The addresses bound, with the real ports: "127.0.0.1:8443", "unix:/run/push.sock". Push first,
  // then admin.
  std::vector<std::string> push_addresses() const;
  std::string admin_address() const;  // empty if off

  // Blocks until the service has stopped; answers the process's exit code: 0 after a drain, 74
  // after the store failed.
  // `failed` is called when the store has failed, on this thread, before everything is taken down:
  // that has failed_store_grace, and may need longer only where a disk does not answer at all.
  int wait(const std::function<void()>& failed = {});
  static constexpr std::chrono::milliseconds failed_store_grace{1000};
  // After wait(): how many callbacks did not return before the drain's deadline. They run on, and
  // keep their own copy of what they use; the log must stay as long as they do.
  std::size_t callbacks_running() const;
  // Takes over what a running service can: apps and their keys, handlers, certificates. All or
  // nothing: throws ReloadError with a line for every reason, and then the old settings stay in
  // force. Nothing acknowledged is lost; attempts in flight of handlers that change may be
  // repeated. Thread-safe; blocks until it is done. Between start() and the drain.
  ReloadReport reload(config::Settings wanted);
  // What a reload asked for by an operator reads: SIGHUP, or the admin socket. Before start().
  void set_settings_source(SettingsSource source);
  // The same as an operator asks for it: from the source, told in the log. Returns at once.
  void request_reload();
  // Begins the drain, with [server] drain as its deadline unless one is given. Thread-safe,
  // idempotent (the first deadline holds), returns at once.
  void stop(std::optional<std::chrono::milliseconds> deadline = {});
  // stop(), while somebody who takes our place waits for the store, and our sockets are held for
  // him: pushes are taken for as long as deliveries end, each answered with `Connection: close`,
  // and then until the store closes wait in the sockets' queues, for him.
  // From the moment on at which they wait there, requests in flight have last_requests to end.
  void hand_over();
  static constexpr std::chrono::milliseconds last_requests{2000};
  // Ends without drain: a second signal. Nothing acknowledged is lost by it.
  void stop_now();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace wxpush::server
