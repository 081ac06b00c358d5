#include "handlers/sink/redis.h"

#include "handlers/sink/redis_connection.h"
#include "handlers/sink/redis_promise.h"

#include <deque>
#include <string_view>
#include <utility>

namespace wxpush::sink {
namespace {

using Kind = RedisReply::Kind;

// KEYS: the stream, and where this event_id is known by. ARGV: for how many seconds; fields and
// values. An event that is known is not added again, and is as good as added.
constexpr std::string_view add_once = R"(
local known = redis.call('GET', KEYS[2])
if known then return known end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
return id
)";

void require(const RedisReply& reply, const std::string& what) {
  if (reply.kind == Kind::error) throw LinkError(what + ": " + reply.text);
}

class RedisLink final : public BrokerLink {
 public:
  RedisLink(const RedisSettings& settings, Clock& clock)
      : settings_(settings),
        clock_(clock),
        connection_(settings.access.hosts.front(), settings.access.timeout) {
    log_in();
    report_ = look_at_promise(connection_, settings_);
    const auto loaded = connection_.call({"SCRIPT", "LOAD", add_once});
    require(loaded, "loading a script");
    script_ = loaded.text;
  }

  // Whether we may add: a transaction that is given up checks the rights of each of its commands.
  void try_to_add() {
    const auto stream = stream_name(0);
    require(connection_.call({"MULTI"}), "transaction");
    const auto added = connection_.call({"XADD", stream, "*", "nothing", ""});
    const auto known = connection_.call({"SET", stream + ":seen:", "", "EX", "1"});
    const auto looked = connection_.call({"GET", stream + ":seen:"});
    connection_.call({"DISCARD"});
    require(added, "XADD to " + stream);
    require(known, "SET of " + stream + ":seen:*");
    require(looked, "GET of " + stream + ":seen:*");
    report_.good.push_back("may add to stream " + stream);
  }

  void stop_waiting() { connection_.stop_waiting(); }

  void publish(std::uint64_t ticket, const Delivery& delivery) override {
    const auto& stored = delivery.stored;
    const auto headers = http_headers(delivery, settings_.access.secrets, clock_.wall());
    const auto stream = stream_name(partition_of(stored, settings_.partitions));
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
    connection_.send(command);
    if (settings_.replicas > 0)
      connection_.send({"WAIT", std::to_string(settings_.replicas),
                        std::to_string(settings_.access.timeout.count())});
    unconfirmed_.push_back({ticket, std::nullopt});
  }

  void exchange(const Confirm& confirm) override {
    connection_.write();
    connection_.read();
    while (const auto reply = connection_.receive()) {
      if (unconfirmed_.empty()) throw LinkError("Redis answered what was never asked");
      auto& first = unconfirmed_.front();
      const bool is_last = settings_.replicas == 0 || first.added;
      auto outcome = first.added ? copied(*first.added, *reply) : added(*reply);
      if (!is_last) {
        first.added = std::move(outcome);
        continue;
      }
      const auto ticket = first.ticket;
      unconfirmed_.pop_front();
      confirm(ticket, std::move(outcome));
    }
  }

  void close() noexcept override {}
  int socket() const override { return connection_.socket(); }
  bool wants_to_write() const override { return !connection_.is_written(); }
  std::chrono::milliseconds heartbeat() const override { return std::chrono::seconds(30); }
  const BrokerReport& report() const override { return report_; }

 private:
  struct Unconfirmed {
    std::uint64_t ticket;
    std::optional<Outcome> added;  // what the script answered, if replicas are still to do so
  };

  void log_in() {
    const auto& access = settings_.access;
    if (!access.password.empty()) {
      RedisConnection::Command command{"AUTH"};
      if (!access.user.empty()) command.push_back(access.user);
      command.push_back(access.password);
      require(connection_.call(command), "login");
    }
    const auto database = std::to_string(settings_.database);
    if (settings_.database != 0) require(connection_.call({"SELECT", database}), "database");
    require(connection_.call({"PING"}), "login");
  }

  std::string stream_name(std::uint32_t partition) const {
    return settings_.partitions > 1 ? settings_.stream + '.' + std::to_string(partition)
                                    : settings_.stream;
  }

  static Outcome added(const RedisReply& reply) {
    if (reply.kind == Kind::text) return std::nullopt;
    // Another one answers at this address, or the same one after a restart.
    const bool is_other = reply.text.starts_with("NOSCRIPT") || reply.text.starts_with("READONLY");
    if (is_other) throw LinkError("Redis: " + reply.text);
    Failure failure;
    failure.error = "Redis: " + (reply.text.empty() ? "an unexpected answer" : reply.text);
    return failure;
  }

  Outcome copied(Outcome added, const RedisReply& reply) const {
    if (added) return added;
    if (reply.kind == Kind::number && reply.number >= settings_.replicas) return std::nullopt;
    Failure failure;
    failure.error = reply.kind == Kind::number
                        ? "only " + std::to_string(reply.number) + " of " +
                              std::to_string(settings_.replicas) + " replicas have it"
                        : "Redis: " + reply.text;
    return failure;
  }

  const RedisSettings& settings_;
  Clock& clock_;
  RedisConnection connection_;
  std::string script_;  // its SHA1
  std::deque<Unconfirmed> unconfirmed_;
  BrokerReport report_;
};

}  // namespace

std::unique_ptr<BrokerLink> open_redis(const RedisSettings& settings, Clock& clock) {
  auto link = std::make_unique<RedisLink>(settings, clock);
  link->stop_waiting();
  return link;
}

BrokerReport check_redis(const RedisSettings& settings, Clock& clock) {
  RedisLink link(settings, clock);
  link.try_to_add();
  return link.report();
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
