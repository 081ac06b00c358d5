#pragma once
// wxpush inside your own program: it receives WeChat's pushes, stores them durably, acknowledges
// them, and calls you back with each event.
//
//   wxpush::Receiver receiver("wxpush.toml");                   // settings, from `wxpush init`
//   receiver.on_waybill_status("orders", [](const wxpush::Event&, const wxpush::WaybillStatus& s) {
//     save(s.shop_order_id, s.order_status);                    // throw to be called again
//   });
//   return receiver.run();                                      // until SIGTERM or SIGINT
//
// What is promised to a callback: every stored event that it asked for, at least once; an event is
// offered only after every earlier one with its order key is done or was given up. After a crash an
// event that was done just before may come again: compare event_id.
//
// A callback's name is its identity: under it the store keeps how far it came, over restarts. A new
// name begins with the events that come from then on (Options::from_oldest).
//
// If your program uses SQLite, too: unless that was started before, wxpush gives it a log sink and
// turns its memory statistics off, for the whole process (sqlite3_memory_used() and heap limits
// then see nothing). sqlite3_initialize() before all of it keeps both as they were.
//
// Link with find_package(wxpush) and wxpush::wxpush, or pkg-config --static wxpush; C++20.

#include <wxpush/event.h>
#include <wxpush/orders.h>
#include <wxpush/result.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wxpush {

enum class OnDead { go_on, hold };

// As the settings of a [[handler]] (docs/configuration.md), with the same defaults.
struct Options {
  std::vector<std::string> apps;  // names of [[app]] entries; empty: all
  // Types, a trailing * allowed ("transport_*"); empty: all that WeChat pushes. Events of wxpush's
  // own have to be named: "wxpush.order_silent", "wxpush.*".
  std::vector<std::string> events;

  // Orders dealt with side by side. 1: one event at a time, whatever its order. More: the callback
  // is called from so many threads at once (a coroutine: so many are under way), and what the calls
  // share is yours to protect.
  std::uint32_t concurrency = 1;  // 1 to 256

  // When this name is new: also what is stored already. (Always so if the store is empty.)
  bool from_oldest = false;
  std::string renamed_from;  // the name whose place this one takes over

  // The wait grows from retry_min to retry_max, at random within. An attempt counts against an
  // event only if others went well since the one before, so that an outage of yours kills nothing;
  // after max_attempts such, or give_up_after of trying, it is a dead letter.
  std::chrono::milliseconds retry_min{500};
  std::chrono::milliseconds retry_max{30'000};
  std::uint32_t max_attempts = 12;
  std::chrono::milliseconds give_up_after{std::chrono::hours{72}};
  OnDead on_dead = OnDead::go_on;  // hold: a dead letter stops its order until it is dealt with
};

// Why it cannot receive. what(): for people, with the remedy; exit_code() for main: 78 settings,
// 75 the store is in use, 74 it failed, 77 no permission, 69 an address is taken.
class StartError : public std::runtime_error {
 public:
  StartError(int exit_code, const std::string& what)
      : std::runtime_error(what), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

// What a reload did, as lines for people.
struct ReloadReport {
  std::vector<std::string> changed;        // "handler backend: added"
  std::vector<std::string> needs_restart;  // settings that stay what they were until then
};
// Why a reload did nothing: every reason, one a line.
class ReloadError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {
using Callback = std::function<Result(const Event&)>;
struct Coroutine;  // wxpush/coroutine.h
template <class Returned>
struct Adapter;
struct EveryEvent;
struct StatusEvent;
}  // namespace detail

// Life cycle: construct, register callbacks, then either run(), or start() … stop(). After either
// it can begin again, with the settings as the file has them then. Members may be called from any
// thread, but, orders() aside, not from a callback, which would wait for its own end.
class Receiver {
 public:
  // Loads and checks the settings, and what they include, and WXPUSH__* of the environment; opens
  // nothing yet. Throws StartError (78) with every mistake, one a line.
  explicit Receiver(const std::filesystem::path& settings_file);
  // stop(), if it runs.
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // Registers f(const Event&) under a name ([a-z][a-z0-9-]{0,31}, unique among all handlers).
  // It returns nothing or a Result (wxpush/result.h), runs on threads of its own, and may block:
  // that holds up neither an acknowledgement nor another handler. With <wxpush/coroutine.h> it may
  // be a coroutine. f lives as long as the Receiver. Throws std::invalid_argument if the name or an
  // option cannot be, std::logic_error after the start.
  template <class F>
    requires std::invocable<F&, const Event&>
  Receiver& on_event(const std::string& name, F f, const Options& options = {});

  // The same for delivery statuses: f(const Event&, const WaybillStatus&). Options::events is
  // update_waybill_status. A message of that type that cannot be read as one counts as done; it
  // stays in the store.
  template <class F>
    requires std::invocable<F&, const Event&, const WaybillStatus&>
  Receiver& on_waybill_status(const std::string& name, F f, Options options = {});

  // For a program whose main purpose this is: start, serve until SIGTERM or SIGINT (or stop() from
  // another thread), drain; a second signal stops at once. What keeps it from starting is told on
  // stderr. Answers the exit code for main: 0, or as StartError. A callback that does not return in
  // the drain's time does not keep the process from ending.
  int run();

  // For a program that has a life of its own. Opens the store, binds the addresses, begins to
  // receive, and returns. Takes no signal; raises the process's soft limit of open files as far as
  // max_connections needs. Throws StartError, and then nothing runs; std::logic_error if it runs.
  void start();
  // Between start() and stop(): what was bound, with the real ports: "127.0.0.1:8443",
  // "unix:/run/push.sock".
  std::vector<std::string> push_addresses() const;
  std::string admin_address() const;  // empty if off
  // Reads the settings file again and takes over what can change while it runs: apps and their
  // keys, certificates, handlers of the settings; callbacks stay as they are. All or nothing:
  // throws ReloadError, and then the old settings stay in force. Nothing acknowledged is lost;
  // attempts under way of handlers that change may be repeated. Blocks until it is done. Only
  // between start() and stop(): std::logic_error. (`wxpush reload` does the same from outside, and
  // SIGHUP under run().)
  ReloadReport reload();
  // What became of the orders with this order_key (it has a '/' in it), or this shop_order_id, or
  // this waybill_id, of all apps, the newest first; empty if there is none. From the stored events,
  // of one order the newest 2000. The last two ways look at every stored status. Reads the store on
  // the calling thread, whether it runs or not, and holds up nobody; may also be called from a
  // callback. Throws std::runtime_error if the store cannot be read (before the first start there
  // is none).
  std::vector<OrderTimeline> orders(const std::string& order_or_waybill) const;
  // Blocks until it, or run(), has stopped: by stop() from another thread, or because the store
  // failed. 0 or 74; nothing that was acknowledged is lost by either. 0 at once if it never
  // started.
  int wait();
  // Drains: takes no further push; answers and stores those in flight; begins no further callback,
  // and waits for those under way until the deadline ([server] drain if none is given). Coroutines
  // that still wait for something are then cancelled, and destroyed if they do not heed it. Answers
  // how many callbacks still block a thread. Those run on; what they answer is not heard any more,
  // and their events come again after the next start. This object and what it lent them stay valid
  // until they return, also beyond its destructor; what else they use is yours to keep. A name that
  // is still being looked up for an http handler or a forwarded route, and a log that nobody reads,
  // are left to threads of their own. Idempotent.
  std::size_t stop(std::optional<std::chrono::milliseconds> deadline = {});

 private:
  template <class Kind, class F>
  Receiver& adapt(const std::string& name, F f, const Options& options);
  Receiver& add(const std::string& name, detail::Callback callback, const Options& options);
  Receiver& add(const std::string& name, std::shared_ptr<const detail::Coroutine> callback,
                const Options& options);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// --- From what you register to what the library calls; nothing to read below.

namespace detail {

struct EveryEvent {
  static bool wants(const Event&) { return true; }
  template <class F>
  static decltype(auto) call(F& f, const Event& event) {
    return f(event);
  }
};

struct StatusEvent {
  static bool wants(const Event& event) { return event.waybill_status.has_value(); }
  template <class F>
  static decltype(auto) call(F& f, const Event& event) {
    return f(event, *event.waybill_status);
  }
};

template <class Returned>
struct Adapter {
  static_assert(sizeof(Returned) == 0,
                "a callback returns void or wxpush::Result; for one that returns "
                "boost::asio::awaitable of these, include <wxpush/coroutine.h>");
};

template <>
struct Adapter<void> {
  template <class Kind, class F>
  static Callback make(F callback) {
    return [f = std::make_shared<F>(std::move(callback))](const Event& event) {
      if (Kind::wants(event)) Kind::call(*f, event);
      return done();
    };
  }
};

template <>
struct Adapter<Result> {
  template <class Kind, class F>
  static Callback make(F callback) {
    return [f = std::make_shared<F>(std::move(callback))](const Event& event) {
      return Kind::wants(event) ? Kind::call(*f, event) : done();
    };
  }
};

}  // namespace detail

template <class Kind, class F>
Receiver& Receiver::adapt(const std::string& name, F f, const Options& options) {
  using Returned = std::remove_cvref_t<decltype(Kind::call(f, std::declval<const Event&>()))>;
  return add(name, detail::Adapter<Returned>::template make<Kind>(std::move(f)), options);
}

template <class F>
  requires std::invocable<F&, const Event&>
Receiver& Receiver::on_event(const std::string& name, F f, const Options& options) {
  return adapt<detail::EveryEvent>(name, std::move(f), options);
}

template <class F>
  requires std::invocable<F&, const Event&, const WaybillStatus&>
Receiver& Receiver::on_waybill_status(const std::string& name, F f, Options options) {
  options.events = {"update_waybill_status"};
  return adapt<detail::StatusEvent>(name, std::move(f), options);
}

}  // namespace wxpush
