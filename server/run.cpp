#include "server/run.h"

#include "crypto/primitives/random.h"
#include "handlers/base/thread_name.h"
#include "server/logger.h"
#include "server/open_files.h"
#include "server/service.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <thread>

namespace wxpush::server {
namespace {

namespace asio = boost::asio;

// The drain has its own deadline; this is for what does not heed it: a disk that never answers.
constexpr std::chrono::milliseconds exit_margin{700};

// Turns signals into calls on the service, on a thread of its own. Destroyed before the service.
class SignalWatch {
 public:
  SignalWatch(Service& service, Log& log, std::chrono::milliseconds drain)
      : service_(service), log_(log), drain_(drain) {
    expect();
    thread_ = std::thread([this] {
      name_this_thread("wx-signals");
      context_.run();
    });
  }
  ~SignalWatch() {
    context_.stop();
    thread_.join();
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  void expect() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      handle(number);
      expect();
    });
  }

  void handle(int number) {
    if (number == SIGHUP) {
      log_.info("SIGHUP: the settings are read again");
      service_.request_reload();
    } else if (!draining_) {
      draining_ = true;
      log_.info("stopping: what is in flight is finished first; a second signal stops at once",
                {{"signal", number}});
      end_by(drain_ + exit_margin);
      service_.stop();
    } else {
      log_.warning("stopping at once", {{"signal", number}});
      end_by(exit_margin);
      service_.stop_now();
    }
  }

  void end_by(std::chrono::milliseconds time) {
    limit_.expires_after(time);
    limit_.async_wait([](const boost::system::error_code& error) {
      if (!error) std::_Exit(74);  // the store never finished; nothing acknowledged hangs on it
    });
  }

  Service& service_;
  Log& log_;
  const std::chrono::milliseconds drain_;
  bool draining_ = false;
  asio::io_context context_{1};
  asio::signal_set signals_{context_, SIGTERM, SIGINT, SIGHUP};
  asio::steady_timer limit_{context_};
  std::thread thread_;
};

// Flushes the log. If nobody reads it, the process ends without its last lines rather than not at
// all.
void finish(std::unique_ptr<Log>& log, int code) {
  const auto flushed = std::make_shared<std::atomic<bool>>(false);
  std::thread([flushed, code] {
    std::this_thread::sleep_for(exit_margin);
    if (!*flushed) std::_Exit(code);
  }).detach();
  log.reset();
  *flushed = true;
}

// Tells `with` of the service for as long as it is there.
struct Shown {
  Shown(const std::function<void(Service*)>& w, Service& service) : with(w) { with(&service); }
  ~Shown() { with(nullptr); }
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;
  const std::function<void(Service*)>& with;
};

}  // namespace

int run(config::Settings settings, const sink::Callbacks& callbacks, std::ostream& err,
        const std::function<void(Service*)>& with) {
  std::signal(SIGPIPE, SIG_IGN);  // a peer that has gone is an error code, not our end
  auto log = make_logger(settings.log);
  SystemClock clock;
  crypto::SystemRandom random;
  queue::SystemDisk disk;
  raise_open_files(settings.server.max_connections, *log);
  const auto drain = settings.server.drain;
  const auto file = settings.file;
  int code = 0;
  try {
    Service service(std::move(settings), Environment{clock, random, disk, *log}, callbacks);
    service.set_settings_source(
        [file] { return config::load(file, config::process_environment()); });
    const Shown shown(with, service);
    const SignalWatch signals(service, *log, drain);
    service.start();
    code = service.wait();
    if (service.callbacks_running() > 0) {
      finish(log, code);
      std::_Exit(code);  // a callback blocks: it must not keep the process
    }
  } catch (const StartError& error) {
    finish(log, error.exit_code());
    err << "wxpush: " << error.what() << "\n";
    return error.exit_code();
  }
  finish(log, code);
  return code;
}

}  // namespace wxpush::server
