#include "server/cli/bench_load.h"

#include "crypto/tls/context.h"
#include "handlers/base/log.h"
#include "server/cli/bench_connection.h"
#include "server/cli/bench_endpoint.h"
#include "server/cli/bench_requests.h"
#include "server/open_files.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <deque>
#include <memory>
#include <optional>
#include <sys/resource.h>
#include <vector>

namespace wxpush::cli {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_again{50};
constexpr std::chrono::milliseconds pause_after_failure{100};
constexpr std::size_t other_files = 64;
// Before the clock starts. All at once would outlast a server's patience with a handshake.
constexpr std::size_t opening_at_once = 128;

std::chrono::duration<double> processor_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

class Load final : public BenchConnection::Owner {
 public:
  explicit Load(const LoadPlan& plan)
      : plan_(plan), requests_(plan.target, plan.greeting_query, plan.next_push) {
    if (plan.target.url.scheme == Scheme::https) {
      tls_.emplace(
          crypto::make_client_context(plan.target.trust.ca_file, plan.target.trust.insecure));
    }
  }

  LoadResult run() {
    std::signal(SIGPIPE, SIG_IGN);  // a server that has gone is a failure that is counted
    NullLog log;
    server::raise_open_files(plan_.connections + other_files, log);
    endpoint_ = find_endpoint(context_, plan_.target.url);
    requests_.prepare(plan_.most == 0 ? plan_.prepared : std::min(plan_.prepared, plan_.most));
    look_after();
    for (unsigned i = 0; i < plan_.connections; ++i) {
      connections_.push_back(std::make_unique<BenchConnection>(context_, tls_ ? &*tls_ : nullptr,
                                                               plan_.target.url.host, *this));
    }
    active_ = connections_.size();
    if (plan_.new_connections) {
      begin();
    } else {
      for (std::size_t i = 0; i < opening_at_once; ++i) open_one_more();
    }
    context_.run();
    result_.took = steady_clock::now() - begin_;
    result_.processor = processor_time() - processor_;
    return std::move(result_);
  }

 private:
  // --- when

  // All connections are open and greeted, or have failed once: the clock starts.
  void begin() {
    begun_ = true;
    if (plan_.on_begin) plan_.on_begin();
    processor_ = processor_time();
    begin_ = steady_clock::now();
    end_ = begin_ + plan_.duration;
    for (const auto& connection : connections_) {
      if (!connection->is_busy() && !is_paused(*connection)) next(*connection);
    }
  }

  bool running() const {
    return steady_clock::now() < end_ && (plan_.most == 0 || sent_ < plan_.most);
  }

  // The connection gets the next push; at a fixed rate at the time that this one has.
  void next(BenchConnection& connection) {
    if (!running()) return retire(connection);
    const std::uint64_t number = sent_++;
    connection.meant = steady_clock::now();
    if (plan_.rate > 0) {
      const std::chrono::duration<double> after(static_cast<double>(number) / plan_.rate);
      const auto time = begin_ + std::chrono::duration_cast<steady_clock::duration>(after);
      if (time > connection.meant) {
        connection.meant = time;
        waiting_.push_back(&connection);
        if (waiting_.size() == 1) wait_for_first();
        return;
      }
      connection.meant = time;
    }
    start(connection);
  }

  // Those that wait stand in the order of their times.
  void wait_for_first() {
    timer_.expires_at(waiting_.front()->meant);
    timer_.async_wait([this](const error_code& error) {
      if (error) return;
      const auto now = steady_clock::now();
      std::deque<BenchConnection*> due;
      while (!waiting_.empty() && waiting_.front()->meant <= now) {
        due.push_back(waiting_.front());
        waiting_.pop_front();
      }
      if (!waiting_.empty()) wait_for_first();
      for (BenchConnection* connection : due) start(*connection);
    });
  }

  void start(BenchConnection& connection) {
    if (connection.is_open()) {
      push(connection);
    } else {
      open(connection);
    }
  }

  void push(BenchConnection& connection) {
    connection.due = steady_clock::now() + plan_.timeout;
    connection.push(requests_.next());
  }

  void open(BenchConnection& connection) {
    connection.due = steady_clock::now() + plan_.timeout;
    connection.open(endpoint_);
  }

  void open_one_more() {
    if (asked_to_open_ < connections_.size()) open(*connections_[asked_to_open_++]);
  }

  void retire(BenchConnection& connection) {
    connection.close();
    if (--active_ > 0) return;
    watch_.cancel();
    timer_.cancel();
  }

  // --- what became of it

  void opened(BenchConnection& connection) override {
    if (result_.protocol.empty()) result_.protocol = connection.protocol();
    if (begun_) {
      // One that is opened again, in a closed loop: only pushes are timed.
      if (plan_.rate == 0 && !plan_.new_connections) connection.meant = steady_clock::now();
      return push(connection);
    }
    connection.push(requests_.greeting());  // whatever is answered
  }

  void answered(BenchConnection& connection, int status) override {
    if (!begun_) return settled();
    const auto took = steady_clock::now() - connection.meant;
    if (status == 200) {
      ++result_.acknowledged;
      result_.latency.add(std::chrono::duration_cast<std::chrono::microseconds>(took));
    } else {
      ++result_.failures["answer " + std::to_string(status)];
    }
    if (plan_.new_connections) connection.close();
    next(connection);
  }

  // Not again at once, so as not to spin.
  void failed(BenchConnection& connection, const char* step, const std::string& why) override {
    ++result_.failures[std::string(step) + ": " + why];
    paused_.push_back({steady_clock::now() + pause_after_failure, &connection});
    if (!begun_) settled();
  }

  void settled() {
    if (++settled_ == connections_.size()) return begin();
    open_one_more();
  }

  bool is_paused(const BenchConnection& connection) const {
    return std::any_of(paused_.begin(), paused_.end(),
                       [&](const Paused& one) { return one.connection == &connection; });
  }

  // Now and then: who took too long, and who has paused long enough.
  void look_after() {
    watch_.expires_after(look_again);
    watch_.async_wait([this](const error_code& error) {
      if (error) return;
      const auto now = steady_clock::now();
      for (const auto& connection : connections_) {
        if (connection->is_busy() && connection->due <= now) connection->time_out();
      }
      while (begun_ && !paused_.empty() && paused_.front().until <= now) {
        BenchConnection& connection = *paused_.front().connection;
        paused_.pop_front();
        next(connection);
      }
      if (active_ > 0) look_after();
    });
  }

  struct Paused {
    steady_clock::time_point until;
    BenchConnection* connection;
  };

  const LoadPlan& plan_;
  BenchRequests requests_;
  asio::io_context context_{1};
  std::optional<asio::ssl::context> tls_;
  BenchConnection::Endpoint endpoint_;
  std::vector<std::unique_ptr<BenchConnection>> connections_;
  std::deque<BenchConnection*> waiting_;
  std::deque<Paused> paused_;
  asio::steady_timer timer_{context_};
  asio::steady_timer watch_{context_};
  steady_clock::time_point begin_, end_;
  std::chrono::duration<double> processor_{};
  bool begun_ = false;
  std::size_t asked_to_open_ = 0;
  std::size_t settled_ = 0;
  std::size_t active_ = 0;
  std::uint64_t sent_ = 0;
  LoadResult result_;
};

}  // namespace

LoadResult run_load(const LoadPlan& plan) {
  return Load(plan).run();
}

}  // namespace wxpush::cli
