// A client that behaves as WeChat does, as a process of its own: so many pushes a second, each
// tried up to three times on a new connection, 5 s each, with a pause between tries or none. In
// C++, because the many TLS handshakes must not take the processor away from the server that is
// looked at.
//
// It begins when it is started and ends when its standard input does, once every push is
// acknowledged or exhausted. Its ledger has a line for each push: when its first try began, when
// its last one did, when that was answered 200 (0: never), the tries that failed
// (`try:why;…`, - for none), event_id. A try begins with its connection. Times are of the monotonic
// clock. On standard output it tells how many seconds a push began later than meant, at most.

#include "crypto/primitives/random.h"
#include "crypto/tls/context.h"
#include "handlers/event/event_id.h"
#include "server/cli/bench_connection.h"
#include "server/cli/bench_endpoint.h"
#include "server/cli/bench_messages.h"
#include "server/cli/bench_requests.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <deque>
#include <exception>
#include <optional>
#include <unistd.h>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace wxpush;
using cli::BenchConnection;
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr std::size_t most_tries = 3;
constexpr std::chrono::seconds try_takes{5};

struct Plan {
  Url url;
  std::string ca_file;  // empty: no TLS
  double rate, gap;     // pushes a second; seconds between two tries
  std::string name;     // what its orders begin with
  std::string appid, token, aes_key;
};

double seconds(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

struct Push {
  std::string request, event_id;
  Time began, tried;
  std::string failed;  // tries, in words
  std::size_t tries = 0;
};

// One push at a time, one connection for each of its tries.
class Pusher final : public BenchConnection::Owner {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void tried(Pusher& pusher, const std::string& why) = 0;  // empty: answered 200
  };

  Pusher(asio::io_context& context, asio::ssl::context* tls, const std::string& host, Owner& owner)
      : connection_(context, tls, host, *this), owner_(owner) {}

  void begin_try(const BenchConnection::Endpoint& endpoint) {
    push.tried = Clock::now();
    ++push.tries;
    ++begun_;
    connection_.open(endpoint);
  }
  // How many tries it has begun, whatever the push: tells whether a deadline is still somebody's.
  std::uint64_t begun() const { return begun_; }
  void time_out(std::uint64_t which) {
    if (which == begun_ && connection_.is_busy()) connection_.time_out();
  }

  Push push;

 private:
  void opened(BenchConnection& connection) override { connection.push(push.request); }
  void answered(BenchConnection& connection, int status) override {
    connection.close();
    owner_.tried(*this, status == 200 ? "" : std::to_string(status));
  }
  void failed(BenchConnection&, const char* step, const std::string& why) override {
    owner_.tried(*this, std::string(step) + ": " + why);
  }

  BenchConnection connection_;
  Owner& owner_;
  std::uint64_t begun_ = 0;
};

class Sender final : public Pusher::Owner {
 public:
  Sender(const Plan& plan, std::FILE* ledger)
      : plan_(plan),
        ledger_(ledger),
        codec_(make_codec(plan)),
        messages_(plan.name, {}, std::time(nullptr)),
        requests_({plan.url, {plan.ca_file, false}}, "", [this] { return seal(); }),
        endpoint_(cli::find_endpoint(context_, plan.url)) {
    if (!plan.ca_file.empty()) tls_.emplace(crypto::make_client_context(plan.ca_file, false));
  }

  void run() {
    began_ = Clock::now();
    wait_for_end();
    look();
    context_.run();
    std::printf("%.3f\n", std::chrono::duration<double>(latest_).count());
  }

 private:
  struct Timer {
    Time at;
    Pusher* pusher;
    std::uint64_t which;
  };

  static crypto::PushCodec make_codec(const Plan& plan) {
    std::vector<crypto::PushKey> keys;
    keys.push_back(crypto::PushKey::make("key", plan.token, plan.aes_key).value());
    return {plan.appid, std::move(keys)};
  }

  cli::SealedPush seal() {
    const std::string& message = messages_.next();
    event_id_ = event::to_string(event::make_event_id(plan_.appid, message));
    if (names_.openid.empty()) names_ = cli::names_in(codec_, message);
    return cli::seal_push(codec_, random_, message, names_,
                          cli::make_stamp(random_, std::time(nullptr)));
  }

  void wait_for_end() {
    input_.async_read_some(asio::buffer(said_), [this](const auto& error, std::size_t) {
      if (!error) return wait_for_end();
      ending_ = true;
      end_if_done();
    });
  }

  void end_if_done() {
    if (!ending_ || open_ > 0) return;
    timer_.cancel();
    context_.stop();
  }

  Time next_at() const {
    const std::chrono::duration<double> after(static_cast<double>(sent_) / plan_.rate);
    return began_ + std::chrono::duration_cast<Clock::duration>(after);
  }

  // What is due now. New ones have their time, whatever became of those before.
  void look() {
    const Time now = Clock::now();
    while (!ending_ && next_at() <= now) begin_push(now);
    for (; !deadlines_.empty() && deadlines_.front().at <= now; deadlines_.pop_front())
      deadlines_.front().pusher->time_out(deadlines_.front().which);
    for (; !pauses_.empty() && pauses_.front().at <= now; pauses_.pop_front())
      begin_try(*pauses_.front().pusher);
    wait();
  }

  void wait() {
    Time next = ending_ ? Time::max() : next_at();
    for (const auto* timers : {&deadlines_, &pauses_})
      if (!timers->empty()) next = std::min(next, timers->front().at);
    timer_.expires_at(next);
    timer_.async_wait([this](const auto& error) {
      if (!error) look();
    });
  }

  void begin_push(Time now) {
    latest_ = std::max(latest_, now - next_at());
    ++sent_;
    ++open_;
    if (idle_.empty()) {
      pushers_.push_back(
          std::make_unique<Pusher>(context_, tls_ ? &*tls_ : nullptr, plan_.url.host, *this));
      idle_.push_back(pushers_.back().get());
    }
    Pusher& pusher = *idle_.back();
    idle_.pop_back();
    pusher.push = {};
    pusher.push.request = requests_.next();
    pusher.push.event_id = event_id_;
    pusher.push.began = Clock::now();
    begin_try(pusher);
  }

  // Each takes as long as every other one, so that they stand in the order of their ends.
  void begin_try(Pusher& pusher) {
    pusher.begin_try(endpoint_);
    deadlines_.push_back({pusher.push.tried + try_takes, &pusher, pusher.begun()});
  }

  void tried(Pusher& pusher, const std::string& why) override {
    Push& push = pusher.push;
    if (!why.empty()) {
      push.failed += (push.failed.empty() ? "" : ";") + std::to_string(push.tries) + ':' + why;
      if (push.tries < most_tries) return try_again(pusher);
    }
    const double answered = why.empty() ? seconds(Clock::now()) : 0.0;
    std::fprintf(ledger_, "%.6f\t%.6f\t%.6f\t%s\t%s\n", seconds(push.began), seconds(push.tried),
                 answered, push.failed.empty() ? "-" : push.failed.c_str(), push.event_id.c_str());
    idle_.push_back(&pusher);
    --open_;
    end_if_done();
  }

  void try_again(Pusher& pusher) {
    const std::chrono::duration<double> gap(plan_.gap);
    const Time at = Clock::now() + std::chrono::duration_cast<Clock::duration>(gap);
    pauses_.push_back({at, &pusher, 0});
    wait();
  }

  const Plan& plan_;
  std::FILE* ledger_;
  crypto::SystemRandom random_;
  crypto::PushCodec codec_;
  cli::BenchMessages messages_;
  cli::PushNames names_;
  std::string event_id_;  // of what was sealed last
  cli::BenchRequests requests_;
  asio::io_context context_{1};
  BenchConnection::Endpoint endpoint_;
  std::optional<asio::ssl::context> tls_;
  asio::posix::stream_descriptor input_{context_, STDIN_FILENO};
  std::array<char, 64> said_{};
  asio::steady_timer timer_{context_};
  std::vector<std::unique_ptr<Pusher>> pushers_;
  std::vector<Pusher*> idle_;
  std::deque<Timer> deadlines_, pauses_;
  Time began_;
  Clock::duration latest_{};
  std::uint64_t sent_ = 0, open_ = 0;
  bool ending_ = false;
};

}  // namespace

int main(int count, char** words) {
  if (count != 10) {
    std::fputs("wechat_sender URL CA_FILE RATE GAP NAME LEDGER APPID TOKEN ENCODING_AES_KEY\n",
               stderr);
    return 64;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const Plan plan{.url = parse_url(words[1]).value(),
                    .ca_file = words[2],
                    .rate = std::stod(words[3]),
                    .gap = std::stod(words[4]),
                    .name = words[5],
                    .appid = words[7],
                    .token = words[8],
                    .aes_key = words[9]};
    std::FILE* ledger = std::fopen(words[6], "w");
    if (ledger == nullptr) throw std::runtime_error(std::string("cannot write ") + words[6]);
    Sender(plan, ledger).run();
    if (std::fclose(ledger) != 0) throw std::runtime_error("the ledger was not written whole");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wechat_sender: %s\n", error.what());
    return 1;
  }
  return 0;
}
