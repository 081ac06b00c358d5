#include "handlers/sink/broker_link.h"

#include "handlers/base/thread_name.h"
#include "handlers/base/thread_priority.h"
#include "handlers/sink/standing_places.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace wxpush::sink {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_back_off{100};
constexpr milliseconds longest_back_off{5000};
// A thread that nothing blocks ends within this.
constexpr milliseconds least_wait{100};
// What failed after this part of its time-out was no answer of the broker.
constexpr int part_of_timeout = 4;
// A connection holds what was given up on it, at both ends; with so many it is made anew. RabbitMQ
// reads no more of one that leads to a channel with 400 messages that it cannot take.
constexpr unsigned most_given_up = 200;

// What another thread raises and poll() sees.
class WakeUp {
 public:
  WakeUp() {
    if (fd_ < 0) throw std::runtime_error("no event descriptor: too many open files");
  }
  ~WakeUp() { ::close(fd_); }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  int fd() const noexcept { return fd_; }
  void raise() const noexcept { eventfd_write(fd_, 1); }
  void lower() const noexcept {
    eventfd_t ignored = 0;
    eventfd_read(fd_, &ignored);
  }

 private:
  int fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
};

// The libraries write to sockets whose other end may be gone; the error is enough.
void block_pipe_signal() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

struct Offered {
  std::shared_ptr<const Delivery> delivery;
  Done done;
};

Outcome failed(const std::string& error, Blame blame) {
  Failure failure;
  failure.blame = blame;
  failure.error = error;
  return failure;
}

// Shared with the thread, which may be in a library that blocks it (a name being looked up).
class Worker {
 public:
  Worker(OpenLink open, BrokerThreadSettings settings, Clock& clock, Log& log)
      : settings_(std::move(settings)), open_(std::move(open)), clock_(clock), log_(log) {}

  void offer(Offered offered) {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    offered_.push_back(std::move(offered));
    wake_up_.raise();
  }

  void cut_off() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    offered_.clear();
    wake_up_.raise();
  }

  // True: the thread has ended.
  bool wait(milliseconds deadline) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, deadline, [this] { return has_ended_; });
  }

  void run() {
    name_this_thread("wx-broker");
    give_way_to_acknowledgements();
    block_pipe_signal();
    connect();  // at once, so that what is wrong is told at the start
    while (auto offered = next()) {
      if (!offered->empty() && !link_) connect();
      work(std::move(*offered));
    }
    if (link_) link_->close();
    link_.reset();
    waiting_.clear();
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    ended_.notify_all();
  }

 private:
  struct Waiting {
    Offered offered;
    std::string place;
    SteadyTime until;
  };

  // Waits until there is something to do. Nothing: it is over.
  std::optional<std::deque<Offered>> next() {
    pollfd watched[] = {{wake_up_.fd(), POLLIN, 0}, {-1, POLLIN, 0}};
    int timeout = -1;
    if (link_) {
      watched[1].fd = link_->socket();
      if (link_->wants_to_write()) watched[1].events |= POLLOUT;
      timeout = static_cast<int>(milliseconds_to_wait().count());
    }
    ::poll(watched, std::size(watched), timeout);
    wake_up_.lower();
    const std::lock_guard lock(mutex_);
    if (stopped_) return std::nullopt;
    return std::exchange(offered_, {});
  }

  milliseconds milliseconds_to_wait() const {
    milliseconds wait = link_->heartbeat();
    if (!waiting_.empty()) {
      // Tickets rise, and so do their deadlines.
      const auto left = waiting_.begin()->second.until - clock_.steady();
      wait = std::min(wait, std::chrono::ceil<milliseconds>(left));
    }
    return std::clamp(wait, milliseconds(0), milliseconds(60'000));
  }

  void connect() {
    if (clock_.steady() < not_before_) return;
    try {
      link_ = open_();
      if (is_stopped()) return;  // it took long, and nobody may be there any more to be told
      places_.are_several(link_->has_several_places());
      error_.clear();
      log_.info("connected to a broker",
                {{"handler", settings_.handler}, {"broker", settings_.place}});
      tell_warnings();
    } catch (const std::exception& error) {
      if (is_stopped()) return;
      back_off();
      if (error_ != error.what()) tell("cannot use a broker", error.what());
      error_ = error.what();
    }
  }

  // Longer each time until something is delivered: that a connection stands does not mean that it
  // is of use.
  void back_off() {
    back_off_ = std::clamp(2 * back_off_, first_back_off, longest_back_off);
    not_before_ = clock_.steady() + back_off_;
  }

  bool is_stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }

  // Each once. Some come only after the connection was made.
  void tell_warnings() {
    for (const auto& warning : link_->report().warnings) {
      if (warnings_.insert(warning).second)
        tell("a broker promises less than it may seem", warning);
    }
  }

  // Not after the stop: nobody may be there any more to be told.
  void tell(std::string_view message, std::string_view why) {
    if (is_stopped()) return;
    log_.warning(
        message,
        {{"handler", settings_.handler}, {"broker", settings_.place}, {"why", std::string(why)}});
  }

  void work(std::deque<Offered> offered) {
    if (!link_) {
      for (auto& one : offered) one.done(failed(error_, Blame::place));
      return;
    }
    try {
      hand_over(std::move(offered));
      link_->exchange(
          [this](std::uint64_t ticket, Outcome outcome) { confirm(ticket, std::move(outcome)); });
      if (is_stopped()) return;  // it may have taken long
      tell_warnings();
      give_up_late();
    } catch (const LinkError& error) {
      lose(error.what(), error.blame());
    } catch (const std::exception& error) {
      lose(error.what(), Blame::place);
    }
  }

  void hand_over(std::deque<Offered> offered) {
    const auto until = clock_.steady() + settings_.timeout;
    const auto before = ticket_;
    for (auto& one : offered) {
      auto place = link_->place(*one.delivery);
      if (places_.admits(place, clock_.steady())) {
        waiting_.emplace_hint(waiting_.end(), ++ticket_,
                              Waiting{std::move(one), std::move(place), until});
      } else {
        one.done(failed(stands(place), Blame::part));
      }
    }
    for (auto it = waiting_.upper_bound(before); it != waiting_.end(); ++it) {
      if (is_stopped()) return;  // the one before may have taken long
      link_->publish(it->first, *it->second.offered.delivery);
    }
  }

  std::string stands(const std::string& place) const {
    return place + " confirms nothing" + (places_.others_do(place) ? ", while others do" : "");
  }

  void give_up_late() {
    const auto now = clock_.steady();
    while (!waiting_.empty() && waiting_.begin()->second.until <= now) {
      const auto& [ticket, waiting] = *waiting_.begin();
      const bool stood = places_.stands(waiting.place);
      const bool alone = ticket < last_delivered_ || places_.stood_after(waiting.place, ticket) ||
                         (stood && !places_.is_for_another_connection(now));
      if (!alone || ++given_up_ > most_given_up) {
        note_late(now);
        throw LinkError(too_late(), stood ? blame() : Blame::place);
      }
      confirm(ticket, failed(too_late(), Blame::handler));
    }
  }

  // Whatever the connection waited for in vain: perhaps it was sick, perhaps these places are.
  void note_late(SteadyTime now) {
    for (const auto& [ticket, waiting] : waiting_) {
      if (waiting.until > now) break;
      places_.waited(waiting.place, ticket < last_delivered_, ticket_);
    }
  }

  // What the broker did not judge was not taken by the place that it is for.
  Blame blame() const noexcept { return places_.are_apart() ? Blame::part : Blame::place; }

  std::string too_late() const {
    std::string text =
        "no confirmation within " + std::to_string(settings_.timeout.count()) + " ms";
    if (const auto why = link_->hindrance(); !why.empty()) text += ": " + why;
    return text;
  }

  void confirm(std::uint64_t ticket, Outcome outcome) {
    let_acknowledgements_pass();
    auto found = waiting_.extract(ticket);
    if (found.empty()) return;
    const auto& waiting = found.mapped();
    if (!outcome) {
      back_off_ = milliseconds(0);
      last_delivered_ = std::max(last_delivered_, ticket);
      places_.took(waiting.place, clock_.steady());
    }
    const bool is_answered = !outcome || !has_waited(waiting);
    if (is_answered) {
      places_.answered(waiting.place);
    } else {
      places_.waited(waiting.place, ticket < last_delivered_, ticket_);
    }
    std::string refuses_all;
    if (outcome && outcome->blame == Blame::handler) {
      if (is_answered && places_.refused(waiting.place, clock_.steady()))
        refuses_all = waiting.place + " refuses all over this connection: " + outcome->error;
      outcome->blame = blame();
    }
    waiting.offered.done(std::move(outcome));
    if (!refuses_all.empty()) throw LinkError(refuses_all);
  }

  bool has_waited(const Waiting& waiting) const {
    const auto began = waiting.until - settings_.timeout;
    return clock_.steady() >= began + settings_.timeout / part_of_timeout;
  }

  void lose(const std::string& error, Blame blame) {
    link_.reset();
    if (is_stopped()) return;
    places_.lost(clock_.steady());
    given_up_ = 0;
    back_off();
    error_ = error;
    tell("a broker's connection was lost", error);
    for (auto& [ticket, waiting] : std::exchange(waiting_, {}))
      waiting.offered.done(failed(error, blame));
  }

  const BrokerThreadSettings settings_;

  // The thread's own.
  OpenLink open_;
  Clock& clock_;
  Log& log_;
  std::unique_ptr<BrokerLink> link_;
  std::map<std::uint64_t, Waiting> waiting_;  // for confirmation, by ticket
  std::uint64_t ticket_ = 0, last_delivered_ = 0;
  unsigned given_up_ = 0;  // of what this connection was given, its confirmation perhaps to come
  StandingPlaces places_{settings_.timeout};
  SteadyTime not_before_{};  // of the next connection
  milliseconds back_off_{};
  std::string error_;               // of the last connection
  std::set<std::string> warnings_;  // that were told

  const WakeUp wake_up_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::deque<Offered> offered_;
  bool stopped_ = false, has_ended_ = false;
};

class BrokerSink final : public Sink {
 public:
  BrokerSink(OpenLink open, BrokerThreadSettings settings, Clock& clock, Log& log)
      : worker_(std::make_shared<Worker>(std::move(open), std::move(settings), clock, log)) {
    std::thread([worker = worker_] { worker->run(); }).detach();
  }
  ~BrokerSink() override { BrokerSink::stop(milliseconds(0)); }
  BrokerSink(const BrokerSink&) = delete;
  BrokerSink& operator=(const BrokerSink&) = delete;

  void offer(std::shared_ptr<const Delivery> delivery, Done done) override {
    worker_->offer({std::move(delivery), std::move(done)});
  }
  void cut_off() override { worker_->cut_off(); }
  std::size_t stop(milliseconds deadline) override {
    cut_off();
    return worker_->wait(std::max(deadline, least_wait)) ? 0 : 1;
  }

 private:
  std::shared_ptr<Worker> worker_;
};

}  // namespace

std::unique_ptr<Sink> make_broker_sink(OpenLink open, BrokerThreadSettings settings, Clock& clock,
                                       Log& log) {
  return std::make_unique<BrokerSink>(std::move(open), std::move(settings), clock, log);
}

}  // namespace wxpush::sink
