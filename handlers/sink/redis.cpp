#include "handlers/sink/redis.h"

#include "handlers/sink/redis_connection.h"
#include "handlers/sink/redis_promise.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace wxpush::sink {
namespace {

using Kind = RedisReply::Kind;

constexpr std::chrono::seconds look_every{60};

// KEYS: the stream, and where this event_id is known by. ARGV: for how many seconds; fields and
// values. An event that is known is not added again, and is as good as added: it is written down
// once more, since WAIT answers for what this connection wrote, and another one may have added it.
// What may not be noted is not added: every attempt would add it again.
constexpr std::string_view add_once = R"(
local known = redis.call('GET', KEYS[2])
if known and known ~= '' then
  redis.call('SET', KEYS[2], known, 'EX', ARGV[1])
  return known
end
redis.call('SET', KEYS[2], '', 'EX', ARGV[1])
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
return id
)";

RedisConnection::Answer require(std::string what) {
  return [what = std::move(what)](const RedisReply& reply) {
    if (reply.kind == Kind::error) throw LinkError(what + ": " + reply.text);
  };
}

Outcome failed(std::string error) {
  Failure failure;
  failure.error = std::move(error);
  return failure;
}

// The clock is not asked before it runs: a thread that opens one may be left behind
// (broker_link.h).
class RedisLink final : public BrokerLink {
 public:
  RedisLink(const RedisSettings& settings, Clock& clock)
      : settings_(settings),
        clock_(clock),
        connection_(settings.access.hosts.front(), settings.access.timeout) {
    log_in();
    look();
    connection_.ask({"SCRIPT", "LOAD", add_once}, [this](const RedisReply& reply) {
      require("loading a script")(reply);
      script_ = reply.text;
    });
    connection_.wait_for_answers(settings_.access.timeout);
    try_to_add();
  }

  void publish(std::uint64_t ticket, const Delivery& delivery) override {
    const auto& stored = delivery.stored;
    const auto headers = http_headers(delivery, settings_.access.secrets, clock_.wall());
    const auto stream = stream_name(settings_, partition_of(stored, settings_.partitions));
    // Offered again by an operator, it is to be seen again.
    auto seen = stream + ":seen:" + event::to_string(stored.event_id);
    if (delivery.replay > 0) seen += ':' + std::to_string(delivery.replay);
    const auto seconds = std::to_string(settings_.seen_for.count());
    RedisConnection::Command command{"EVALSHA", script_, "2", stream, seen, seconds};
    for (const auto& [name, value] : headers) {
      command.push_back(name);
      command.push_back(value);
    }
    command.push_back("body");
    command.push_back(stored.body);
    connection_.ask(command, [this, ticket](const RedisReply& reply) { added(ticket, reply); });
    is_uncopied_ = settings_.replicas > 0;
  }

  void exchange(const Confirm& confirm) override {
    confirm_ = &confirm;
    look_from_time_to_time();
    ask_replicas();
    connection_.exchange();
  }

  void close() noexcept override {}
  int socket() const override { return connection_.socket(); }
  bool wants_to_write() const override { return !connection_.is_all_sent(); }
  std::chrono::milliseconds heartbeat() const override {
    return is_looking_ ? settings_.access.timeout : look_every;
  }
  const BrokerReport& report() const override { return report_; }

 private:
  void log_in() {
    const auto& access = settings_.access;
    if (!access.user.empty() || !access.password.empty()) {
      RedisConnection::Command command{"AUTH"};
      if (!access.user.empty()) command.push_back(access.user);
      command.push_back(access.password);
      connection_.ask(command, require("login"));
    }
    const auto database = std::to_string(settings_.database);
    if (settings_.database != 0) connection_.ask({"SELECT", database}, require("database"));
    connection_.ask({"PING"}, require("login"));
  }

  void look() {
    is_looking_ = true;
    ask_for_promise(connection_, settings_, [this](BrokerReport report) {
      report_ = std::move(report);
      is_looking_ = false;
    });
  }

  // Settings change and streams are trimmed while a connection stands.
  void look_from_time_to_time() {
    const auto now = clock_.steady();
    if (!looked_at_) looked_at_ = now;
    if (is_looking_ && now - *looked_at_ >= settings_.access.timeout)
      throw LinkError("no answer within " + std::to_string(settings_.access.timeout.count()) +
                      " ms");
    if (is_looking_ || now - *looked_at_ < look_every) return;
    looked_at_ = now;
    look();
  }

  // A transaction that is given up checks each of its commands: the rights, the memory, whether
  // this is a replica.
  void try_to_add() {
    bool is_possible = false;
    connection_.ask({"MULTI"}, [&](const RedisReply& reply) {
      is_possible = reply.kind != Kind::error;
      if (!is_possible)
        report_.warnings.push_back("whether we may add cannot be seen (" + reply.text + ")");
    });
    connection_.wait_for_answers(settings_.access.timeout);
    if (!is_possible) return;
    for (std::uint32_t i = 0; i < settings_.partitions; ++i)
      try_to_add_to(stream_name(settings_, i));
    if (settings_.replicas > 0) connection_.ask({"WAIT", "0", "1"}, require("WAIT"));
    connection_.ask({"DISCARD"}, require("transaction"));
    connection_.wait_for_answers(settings_.access.timeout);
    report_.good.push_back(settings_.partitions == 1
                               ? "may add to stream " + settings_.stream
                               : "may add to streams " + stream_name(settings_, 0) + " to " +
                                     std::to_string(settings_.partitions - 1));
  }

  void try_to_add_to(const std::string& stream) {
    const auto seen = stream + ":seen:";
    connection_.ask({"XADD", stream, "*", "nothing", ""}, require("XADD to " + stream));
    connection_.ask({"SET", seen, "", "EX", "1"}, require("SET of " + seen + '*'));
    connection_.ask({"GET", seen}, require("GET of " + seen + '*'));
    connection_.ask({"EVALSHA", script_, "2", stream, seen}, require("EVALSHA on " + stream));
  }

  void added(std::uint64_t ticket, const RedisReply& reply) {
    if (reply.kind == Kind::text) {
      if (settings_.replicas == 0) return (*confirm_)(ticket, std::nullopt);
      return added_.push_back(ticket);
    }
    // Another one answers at this address, or the same one after a restart.
    const bool is_other =
        reply.text.starts_with("NOSCRIPT") || reply.text.find("READONLY") != std::string::npos;
    if (is_other) throw LinkError("Redis: " + reply.text);
    const auto* const what = reply.text.empty() ? "an unexpected answer" : reply.text.c_str();
    (*confirm_)(ticket, failed(std::string("Redis: ") + what));
  }

  // One question at a time, for all that was sent before it, since Redis answers nothing else
  // meanwhile. Twice the time of one is over before the thread gives the connection up, which would
  // not say as well what is wrong.
  void ask_replicas() {
    if (!is_uncopied_ || is_waiting_for_replicas_) return;
    is_uncopied_ = false;
    is_waiting_for_replicas_ = true;
    const auto limit = std::to_string(settings_.access.timeout.count() / 3);
    connection_.ask({"WAIT", std::to_string(settings_.replicas), limit},
                    [this](const RedisReply& reply) { copied(reply); });
  }

  void copied(const RedisReply& reply) {
    is_waiting_for_replicas_ = false;
    const bool is_number = reply.kind == Kind::number;
    const bool is_done = is_number && reply.number >= settings_.replicas;
    const auto what = is_number ? "only " + std::to_string(reply.number) + " of " +
                                      std::to_string(settings_.replicas) + " replicas have it"
                                : "Redis: WAIT: " + reply.text;
    for (const auto ticket : std::exchange(added_, {}))
      (*confirm_)(ticket, is_done ? std::nullopt : failed(what));
    ask_replicas();
  }

  const RedisSettings& settings_;
  Clock& clock_;
  RedisConnection connection_;
  std::string script_;  // its SHA1
  BrokerReport report_;
  bool is_looking_ = false;
  std::optional<SteadyTime> looked_at_;
  const Confirm* confirm_ = nullptr;  // whom to tell, while exchange() runs
  std::vector<std::uint64_t> added_;  // tickets that wait for replicas
  bool is_uncopied_ = false;          // something was sent that no WAIT covers
  bool is_waiting_for_replicas_ = false;
};

}  // namespace

std::string stream_name(const RedisSettings& settings, std::uint32_t partition) {
  return partition_name(settings.stream, settings.partitions, partition);
}

std::unique_ptr<BrokerLink> open_redis(const RedisSettings& settings, Clock& clock) {
  return std::make_unique<RedisLink>(settings, clock);
}

BrokerReport check_redis(const RedisSettings& settings, Clock& clock) {
  return open_redis(settings, clock)->report();
}

std::unique_ptr<Sink> make_redis_sink(RedisSettings settings, const std::string& handler,
                                      Clock& clock, Log& log) {
  BrokerThreadSettings thread;
  thread.handler = handler;
  thread.place = to_string(settings.access.hosts.front());
  thread.timeout = settings.access.timeout;
  auto shared = std::make_shared<const RedisSettings>(std::move(settings));  // links refer to it
  auto open = [shared, &clock] { return open_redis(*shared, clock); };
  return make_broker_sink(std::move(open), std::move(thread), clock, log);
}

}  // namespace wxpush::sink
