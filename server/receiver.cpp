// The public Receiver (include/wxpush/receiver.h): a service, and the thread that takes it down.

#include "config/load.h"
#include "handlers/queue/reader.h"
#include "handlers/sink/coroutine_sink.h"
#include "server/logger.h"
#include "server/open_files.h"
#include "server/order_query.h"
#include "server/public_values.h"
#include "server/queue_settings.h"
#include "server/receiver_options.h"
#include "server/run.h"
#include "server/service.h"
#include <wxpush/coroutine.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <thread>

namespace wxpush {
namespace {

constexpr std::chrono::milliseconds longest_drain{std::chrono::hours{24}};
constexpr std::chrono::milliseconds log_grace{500};  // for its reader to take what is left

std::string lines(const std::vector<config::Problem>& problems) {
  std::string all;
  for (const auto& problem : problems)
    all += (all.empty() ? "" : "\n") + config::to_string(problem);
  return all;
}

config::Settings load_or_throw(const std::filesystem::path& file) {
  auto loaded = config::load(file, config::process_environment());
  if (auto* settings = std::get_if<config::Settings>(&loaded)) return std::move(*settings);
  throw StartError(78, lines(std::get<std::vector<config::Problem>>(loaded)));
}

sink::EventCallback translated(detail::Callback callback) {
  return [callback = std::move(callback)](const sink::Delivery& delivery) {
    try {
      return server::outcome_of(callback(server::public_event(delivery)));
    } catch (const Permanent& never) {
      return server::outcome_of(permanent(never.what()));
    }
  };
}

boost::asio::awaitable<sink::Outcome> translated_call(
    std::shared_ptr<const detail::Coroutine> callback, const sink::Delivery& delivery) {
  try {
    auto event = server::public_event(delivery);
    auto running = callback->call(std::move(event));
    const Result result = co_await std::move(running);
    co_return server::outcome_of(result);
  } catch (const Permanent& never) {
    co_return server::outcome_of(permanent(never.what()));
  }
}

// What a service is given.
struct Surroundings {
  explicit Surroundings(const config::Logging& settings) : log(server::make_logger(settings)) {}

  std::unique_ptr<Log> log;
  SystemClock clock;
  crypto::SystemRandom random;
  queue::SystemDisk disk;
};

// The log waits for its reader, who may not read any more: only its own thread waits that long.
struct LetGo {
  void operator()(Surroundings* surroundings) const {
    const auto gone = std::make_shared<std::promise<void>>();
    std::thread([surroundings, gone] {
      delete surroundings;
      gone->set_value();
    }).detach();
    gone->get_future().wait_for(log_grace);
  }
};

// How it ended, start() to stop() or run(). Whoever waits for that holds on to it, so that the next
// start does not mislead him.
struct End {
  bool over = false;
  int exit_code = 0;
  std::size_t abandoned = 0;
};

}  // namespace

struct Receiver::Impl {
  explicit Impl(const std::filesystem::path& file) : settings(load_or_throw(file)) {}

  // Calls wait() of the service, which drains it, on a thread of its own.
  void live() {
    const int code = service->wait();
    const std::lock_guard lock(mutex);
    *end = {true, code, service->callbacks_running()};
    changed.notify_all();
  }

  // Once it has ended: closes the store. Needs the lock.
  void clear() {
    if (!service || !end->over || reloading != 0) return;
    thread.join();
    service.reset();
    // A handler of the settings may be among those that still run, waiting for a reader of the log
    // or for a broker: then log and clock stay for ever. Callbacks of the program know neither.
    if (end->abandoned != 0 && (reread || !settings.handlers.empty()))
      static_cast<void>(surroundings.release());
    surroundings.reset();
  }

  // Of the start that `mine` belongs to. Needs the lock.
  void wait_for_end(std::unique_lock<std::mutex>& lock, const std::shared_ptr<End>& mine) {
    changed.wait(lock, [&] { return mine->over && (mine != end || reloading == 0); });
    if (mine == end) clear();
  }

  // Likewise. A run() that has just begun has its service in a moment.
  void ask_to_stop(std::unique_lock<std::mutex>& lock, const std::shared_ptr<End>& mine,
                   std::optional<std::chrono::milliseconds> deadline) {
    changed.wait(lock, [&] { return mine->over || service || run_service != nullptr; });
    if (!mine->over) (service ? service.get() : run_service)->stop(deadline);
  }

  // Whether the first start or a later one, for which the file is read again. Needs the lock.
  void begin() {
    clear();
    if (service || running) throw std::logic_error("the receiver runs already");
    if (started) settings = load_or_throw(settings.file);
    started = true;
    reread = false;
  }

  int run() {
    try {
      const std::lock_guard lock(mutex);
      begin();
      running = true;
      end = std::make_shared<End>();
    } catch (const StartError& error) {
      std::cerr << "wxpush: " << error.what() << "\n";
      return error.exit_code();
    }
    struct Guard {  // also if it throws
      ~Guard() {
        const std::lock_guard lock(impl.mutex);
        impl.running = false;
        impl.end->over = true;
        impl.changed.notify_all();
      }
      Impl& impl;
    };
    const Guard guard{*this};
    const int code = server::run(settings, callbacks, std::cerr, [this](server::Service* its) {
      const std::lock_guard lock(mutex);
      run_service = its;
      changed.notify_all();
    });
    const std::lock_guard lock(mutex);
    end->exit_code = code;
    return code;
  }

  config::Loaded read_again() {
    reread = true;
    return config::load(settings.file, config::process_environment());
  }

  void add(const std::string& name, const Options& options,
           std::function<std::unique_ptr<sink::Sink>()> make_sink) {
    const std::lock_guard lock(mutex);
    if (service || running)
      throw std::logic_error("callbacks are registered before the receiver starts");
    auto handler = server::callback_handler(name, options, settings, callbacks);
    handler.make_sink = std::move(make_sink);
    callbacks.push_back(std::move(handler));
  }

  config::Settings settings;  // of the last start; a reload may have put others in force
  std::atomic<bool> reread = false;
  sink::Callbacks callbacks;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::unique_ptr<Surroundings, LetGo> surroundings;
  std::unique_ptr<server::Service> service;
  std::thread thread;
  bool started = false;                    // once, at least
  bool running = false;                    // run() is on
  server::Service* run_service = nullptr;  // its
  int reloading = 0;                       // calls that use `service` without the lock
  std::shared_ptr<End> end = std::make_shared<End>(End{true, 0, 0});  // of the last start
};

Receiver::Receiver(const std::filesystem::path& settings_file)
    : impl_(std::make_unique<Impl>(settings_file)) {}
Receiver::~Receiver() {
  stop();
}

Receiver& Receiver::add(const std::string& name, detail::Callback callback,
                        const Options& options) {
  impl_->add(name, options,
             [call = translated(std::move(callback)), threads = options.concurrency] {
               return sink::make_callback_sink(call, threads);
             });
  return *this;
}

Receiver& Receiver::add(const std::string& name, std::shared_ptr<const detail::Coroutine> callback,
                        const Options& options) {
  impl_->add(name, options, [callback = std::move(callback)] {
    return sink::make_coroutine_sink(
        [callback](const sink::Delivery& delivery) { return translated_call(callback, delivery); });
  });
  return *this;
}

int Receiver::run() {
  return impl_->run();
}

void Receiver::start() {
  const std::lock_guard lock(impl_->mutex);
  impl_->begin();
  std::unique_ptr<Surroundings, LetGo> surroundings(new Surroundings(impl_->settings.log));
  auto& [log, clock, random, disk] = *surroundings;
  server::raise_open_files(impl_->settings.server.max_connections, *log);
  try {
    auto service = std::make_unique<server::Service>(
        impl_->settings, server::Environment{clock, random, disk, *log}, impl_->callbacks);
    service->set_settings_source([impl = impl_.get()] { return impl->read_again(); });
    service->start();
    impl_->service = std::move(service);
  } catch (const server::StartError& error) {
    throw StartError(error.exit_code(), error.what());
  }
  impl_->surroundings = std::move(surroundings);
  impl_->end = std::make_shared<End>();
  impl_->thread = std::thread([impl = impl_.get()] { impl->live(); });
}

std::vector<std::string> Receiver::push_addresses() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->service ? impl_->service->push_addresses() : std::vector<std::string>{};
}

std::string Receiver::admin_address() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->service ? impl_->service->admin_address() : std::string{};
}

ReloadReport Receiver::reload() {
  std::unique_lock lock(impl_->mutex);
  if (!impl_->service || impl_->end->over) throw std::logic_error("the receiver does not run");
  auto loaded = impl_->read_again();
  const auto* wanted = std::get_if<config::Settings>(&loaded);
  if (wanted == nullptr) throw ReloadError(lines(std::get<std::vector<config::Problem>>(loaded)));
  ++impl_->reloading;
  lock.unlock();
  server::ReloadReport report;
  std::optional<std::string> refused;
  try {
    report = impl_->service->reload(*wanted);
  } catch (const std::exception& error) {
    refused = error.what();
  }
  lock.lock();
  --impl_->reloading;
  impl_->changed.notify_all();
  if (refused) throw ReloadError(*refused);
  return {std::move(report.changed), std::move(report.needs_restart)};
}

std::vector<OrderTimeline> Receiver::orders(const std::string& order_or_waybill) const {
  std::unique_lock lock(impl_->mutex);
  const auto place = impl_->settings.store;
  lock.unlock();
  const auto reader = server::open_reader(place);
  std::vector<OrderTimeline> found;
  for (const auto& order : server::find_orders(*reader, order_or_waybill, {}))
    found.push_back(server::public_order(order));
  return found;
}

int Receiver::wait() {
  std::unique_lock lock(impl_->mutex);
  const auto mine = impl_->end;
  impl_->wait_for_end(lock, mine);
  return mine->exit_code;
}

std::size_t Receiver::stop(std::optional<std::chrono::milliseconds> deadline) {
  using std::chrono::milliseconds;
  std::unique_lock lock(impl_->mutex);
  if (deadline) deadline = std::clamp(*deadline, milliseconds(0), longest_drain);
  const auto mine = impl_->end;
  impl_->ask_to_stop(lock, mine, deadline);
  impl_->wait_for_end(lock, mine);
  return mine->abandoned;
}

}  // namespace wxpush
