#include "server/run.h"

#include "crypto/primitives/random.h"
#include "handlers/base/thread_name.h"
#include "server/logger.h"
#include "server/open_files.h"
#include "server/service.h"
#include "server/supervisor_link.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <pthread.h>
#include <thread>
#include <utility>

namespace wxpush::server {
namespace {

namespace asio = boost::asio;

// The drain has its own deadline; this is for what does not heed it: a disk that never answers.
constexpr std::chrono::milliseconds exit_margin{700};

// What the process is to whoever started it.
enum class Part {
  alone,     // nothing was handed over
  held,      // our sockets are held by somebody who starts the next one when we have ended
  relieved,  // and who starts it beside us, and says when to make way
};

Part part_of(const Handed& handed) {
  if (handed.supervisor >= 0) return Part::relieved;
  return handed.sockets.empty() ? Part::alone : Part::held;
}

// Turns signals, and what the supervisor says, into calls on the service, on a thread of its own.
// Destroyed before the service.
class SignalWatch {
 public:
  // Takes `link`, -1 if there is none.
  SignalWatch(Service& service, Log& log, std::chrono::milliseconds drain, Part part, int link)
      : service_(service), log_(log), drain_(drain), part_(part) {
    expect();
    if (link >= 0) {
      link_.assign(link);
      listen();
    }
    thread_ = std::thread([this] {
      name_this_thread("wx-signals");
      if (part_ == Part::relieved) take_signals();
      context_.run();
    });
  }
  ~SignalWatch() {
    context_.stop();
    thread_.join();
  }
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  void store_failed() {
    asio::post(context_, [this] { end_by(Service::failed_store_grace + exit_margin); });
  }
  // To the supervisor, if there is one. Not after the end of its link was seen.
  void say(char word) { tell(link_.is_open() ? link_.native_handle() : -1, word); }

 private:
  // What came while we were not listening was kept for this moment (worker_process.h).
  static void take_signals() {
    sigset_t all;
    sigemptyset(&all);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&all, number);
    pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
  }

  void expect() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      handle(number);
      expect();
    });
  }

  void listen() {
    link_.async_read_some(asio::buffer(&heard_, 1), [this](const boost::system::error_code& error,
                                                           std::size_t) {
      if (error == asio::error::operation_aborted) return;
      if (error) {  // its sockets have gone with it: nobody takes our place, and we hold the store
        log_.error("the supervisor has ended");
        if (!draining_) handle(SIGTERM);
        return;
      }
      if (heard_ == word::hand_over) make_way();
      listen();
    });
  }

  void make_way() {
    if (draining_) return;
    end_by(drain_ + Service::last_requests + exit_margin);
    service_.hand_over();
    log_.info("another process takes over: pushes are taken until what is in flight is finished");
  }

  void handle(int number) {
    if (number == SIGHUP) {
      log_.info("SIGHUP: the settings are read again");
      service_.request_reload();
    } else if (!draining_ && part_ == Part::held) {
      make_way();
      draining_ = true;
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
  const Part part_;
  bool draining_ = false;
  char heard_ = 0;
  asio::io_context context_{1};
  asio::posix::stream_descriptor link_{context_};
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
        const std::function<void(Service*)>& with, Handed handed) {
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
    const auto part = part_of(handed);
    SignalWatch signals(service, *log, drain, part, std::exchange(handed.supervisor, -1));
    if (part != Part::alone) service.wait_for_store([&] { signals.say(word::waiting); });
    service.adopt(std::move(handed.sockets));
    service.start();
    signals.say(word::serving);
    code = service.wait([&] { signals.store_failed(); });
    if (service.callbacks_running() > 0) {
      finish(log, code);
      std::_Exit(code);  // a callback blocks: it must not keep the process
    }
  } catch (const StartError& error) {
    if (error.exit_code() == 0) log->info(error.what());
    finish(log, error.exit_code());
    if (error.exit_code() != 0) err << "wxpush: " << error.what() << "\n";
    return error.exit_code();
  }
  finish(log, code);
  return code;
}

int serve(config::Settings settings, std::ostream& err) {
  Handed handed;
  try {
    handed = take_handed();
  } catch (const StartError& error) {
    err << "wxpush: " << error.what() << "\n";
    return error.exit_code();
  }
  return run(
      std::move(settings), {}, err, [](Service*) {}, std::move(handed));
}

}  // namespace wxpush::server
