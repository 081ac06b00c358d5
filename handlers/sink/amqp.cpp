#include "handlers/sink/amqp.h"

#include "handlers/sink/amqp_connection.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace wxpush::sink {
namespace {

// A node writes down which quorum queues it has a second after one was made; of one that is not
// written down it forgets, when it is killed, all that it confirmed (seen with RabbitMQ 3.10.8).
constexpr std::chrono::seconds until_registered{3};

std::string expand(const std::string& pattern, const queue::StoredEvent& stored,
                   std::uint32_t partition) {
  std::string text;
  for (std::size_t at = 0; at < pattern.size();) {
    const auto end = pattern[at] == '{' ? pattern.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      text += pattern[at++];
      continue;
    }
    const auto name = pattern.substr(at + 1, end - at - 1);
    if (name == "app") text += stored.app;
    if (name == "appid") text += stored.appid;
    if (name == "type") text += stored.type.empty() ? "unreadable" : stored.type;
    if (name == "partition") text += std::to_string(partition);
    at = end + 1;
  }
  return text.substr(0, 255);  // AMQP's short string
}

std::string queue_name(const AmqpSettings& settings, std::uint32_t partition) {
  return partition_name(settings.queue, settings.partitions, partition);
}

std::vector<std::string> queue_names(const AmqpSettings& settings) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < settings.partitions; ++i) names.push_back(queue_name(settings, i));
  return names;
}

void look_at_exchange(AmqpConnection& connection, const AmqpSettings& settings,
                      BrokerReport& report) {
  if (!settings.exchange.empty()) connection.require_exchange(settings.exchange);
  report.good.push_back("exchange \"" + settings.exchange + '"');
  report.warnings.push_back(
      "what the exchange routes to is not ours to see: a message survives the failure of a node "
      "only in a quorum queue or a stream, and a restart only in a durable queue");
}

// One that is there is looked at, another one made.
void declare_queue(AmqpConnection& connection, const std::string& name, BrokerReport& report) {
  const bool one_at_a_time = connection.declare_quorum_queue(name);
  report.good.push_back("quorum queue " + name);
  if (!one_at_a_time)
    report.warnings.push_back("queue " + name +
                              " was made without x-single-active-consumer: two consumers of it get "
                              "an order's events side by side");
}

// Makes none: whoever only looks leaves everything as it is.
void look_at_queues(AmqpConnection& connection, const AmqpSettings& settings,
                    BrokerReport& report) {
  for (const auto& name : queue_names(settings)) {
    if (connection.has_queue(name)) {
      declare_queue(connection, name, report);  // which says whether it is one
    } else {
      report.good.push_back("quorum queue " + name + " is not there yet: wxpush will make it");
    }
  }
}

class AmqpLink final : public BrokerLink {
 public:
  AmqpLink(const AmqpSettings& settings, Clock& clock, const BrokerHost& host)
      : settings_(settings),
        clock_(clock),
        connection_(settings, host),
        channels_(std::max<std::size_t>(1, settings.partitions)) {
    report_.good.push_back("connected to " + to_string(host) + " as " + settings.access.user);
    prepare();
    connection_.confirm_select(static_cast<AmqpChannel>(channels_.size()));
  }

  void publish(std::uint64_t ticket, const Delivery& delivery) override {
    const auto& stored = delivery.stored;
    AmqpMessage message;
    message.exchange = settings_.queue.empty() ? settings_.exchange : "";
    const auto partition = partition_of(stored, settings_.partitions);
    message.routing_key = routing_key(stored, partition);
    message.headers = http_headers(delivery, settings_.access.secrets, clock_.wall());
    if (header_bytes(message.headers) > connection_.most_header_bytes()) {
      not_taken_.push_back(ticket);
      return;
    }
    message.id = event::to_string(stored.event_id);
    message.body = stored.body;
    message.channel = static_cast<AmqpChannel>(partition + 1);
    connection_.publish(message);
    channels_[partition].unconfirmed.push_back({ticket, std::move(message.id), {}, false});
  }

  void exchange(const Confirm& confirm) override {
    for (const auto ticket : std::exchange(not_taken_, {})) confirm(ticket, too_large());
    while (const auto said = connection_.receive()) {
      if (const auto* returned = std::get_if<AmqpReturn>(&*said)) {
        take_back(*returned);
      } else if (const auto* verdict = std::get_if<AmqpVerdict>(&*said)) {
        settle(*verdict, confirm);
      } else {
        hindrance_ = std::get<AmqpBlocked>(*said).reason;
      }
    }
  }

  void close() noexcept override { connection_.close(); }
  std::string place(const Delivery& delivery) const override {
    const auto& stored = delivery.stored;
    return (settings_.queue.empty() ? "routing key " : "queue ") +
           routing_key(stored, partition_of(stored, settings_.partitions));
  }
  bool has_several_places() const override {
    const auto& key = settings_.routing_key;
    return settings_.partitions > 1 ||
           (settings_.queue.empty() &&
            (key.find("{app") != std::string::npos || key.find("{type}") != std::string::npos));
  }
  int socket() const override { return connection_.socket(); }
  std::chrono::milliseconds heartbeat() const override { return settings_.heartbeat / 2; }
  std::string hindrance() const override {
    return hindrance_.empty() ? "" : "RabbitMQ has blocked its publishers (" + hindrance_ + ")";
  }
  const BrokerReport& report() const override { return report_; }

 private:
  struct Unconfirmed {
    std::uint64_t ticket;
    std::string id;
    std::string returned;  // why; its confirmation is still to come
    bool told;
  };
  struct Channel {                        // of a partition
    std::deque<Unconfirmed> unconfirmed;  // in the order of their delivery tags
    std::uint64_t first_tag = 1;          // of the first of them
  };

  std::string routing_key(const queue::StoredEvent& stored, std::uint32_t partition) const {
    return settings_.queue.empty() ? expand(settings_.routing_key, stored, partition)
                                   : queue_name(settings_, partition);
  }

  void prepare() {
    if (settings_.queue.empty()) return look_at_exchange(connection_, settings_, report_);
    bool is_any_new = false;
    for (const auto& name : queue_names(settings_)) {
      is_any_new = !connection_.has_queue(name) || is_any_new;
      declare_queue(connection_, name, report_);
    }
    if (is_any_new) std::this_thread::sleep_for(until_registered);
  }

  static std::size_t header_bytes(const Headers& headers) {
    constexpr std::size_t around = 6;  // a name's length, a value's kind and length
    std::size_t bytes = 0;
    for (const auto& [name, value] : headers) bytes += name.size() + value.size() + around;
    return bytes;
  }

  static Outcome too_large() {
    Failure failure;
    failure.blame = Blame::event;
    failure.permanent = true;
    failure.error = "its headers are larger than a frame of RabbitMQ: its order key is too long";
    return failure;
  }

  // Its confirmation follows, and says "ack": an unroutable message is confirmed, too. A queue of
  // ours that is gone is made again with the next connection.
  void take_back(const AmqpReturn& returned) {
    if (!settings_.queue.empty()) throw LinkError("the queue has gone: " + returned.why);
    for (auto& channel : channels_) {
      for (auto& one : channel.unconfirmed) {
        if (one.id == returned.id) one.returned = returned.why;
      }
    }
  }

  // Confirmations may come in any order, and one may speak for all before it.
  void settle(const AmqpVerdict& verdict, const Confirm& confirm) {
    auto& [unconfirmed, first_tag] = channels_.at(verdict.channel - 1U);
    if (verdict.tag < first_tag) return;
    const auto last = static_cast<std::size_t>(verdict.tag - first_tag);
    if (last >= unconfirmed.size()) throw LinkError("RabbitMQ confirmed what was never sent");
    for (std::size_t i = verdict.multiple ? 0 : last; i <= last; ++i) {
      auto& one = unconfirmed[i];
      if (!std::exchange(one.told, true)) confirm(one.ticket, outcome_of(one, verdict.accepted));
    }
    while (!unconfirmed.empty() && unconfirmed.front().told) {
      unconfirmed.pop_front();
      ++first_tag;
    }
  }

  static Outcome outcome_of(const Unconfirmed& one, bool accepted) {
    if (accepted && one.returned.empty()) return std::nullopt;
    Failure failure;
    failure.error = one.returned.empty()
                        ? "RabbitMQ refused the message (nack): the queue is full or failed"
                        : "RabbitMQ could not route the message: " + one.returned;
    return failure;
  }

  const AmqpSettings& settings_;
  Clock& clock_;
  AmqpConnection connection_;
  std::vector<Channel> channels_;
  std::vector<std::uint64_t> not_taken_;
  std::string hindrance_;
  BrokerReport report_;
};

}  // namespace

std::unique_ptr<BrokerLink> open_amqp(const AmqpSettings& settings, Clock& clock,
                                      std::size_t turn) {
  const auto& hosts = settings.access.hosts;
  std::string why;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto& host = hosts[(turn + i) % hosts.size()];
    try {
      return std::make_unique<AmqpLink>(settings, clock, host);
    } catch (const LinkError& error) {
      why += (why.empty() ? "" : "; ") + to_string(host) + ": " + error.what();
    }
  }
  throw LinkError(why);
}

namespace {

// How many members a queue has is what AMQP does not tell.
std::vector<std::string> losses_of(const AmqpSettings& settings) {
  std::vector<std::string> losses;
  if (settings.access.hosts.size() == 1)
    losses.push_back("the disk of " + to_string(settings.access.hosts.front()) +
                     " dies, and it is the only node, or was when the queue was made: everything");
  losses.emplace_back("less than half of a quorum queue's members lose their disks: nothing");
  losses.push_back(
      "half of them or more do: the whole queue; how many it has cannot be seen from here, but by "
      "rabbitmq-queues quorum_status " +
      (settings.queue.empty() ? "QUEUE" : queue_name(settings, 0)));
  if (settings.queue.empty())
    losses.emplace_back("the disk of a classic queue's node dies: what lay on it");
  return losses;
}

// `is_looked_at`: the queues are, at another host.
void check_host(const AmqpSettings& settings, const BrokerHost& host, bool& is_looked_at,
                BrokerReport& report) {
  AmqpConnection connection(settings, host);
  report.good.push_back("connected to " + to_string(host) + " as " + settings.access.user);
  if (!is_looked_at) {
    BrokerReport seen;
    const auto look = settings.queue.empty() ? look_at_exchange : look_at_queues;
    look(connection, settings, seen);
    is_looked_at = true;
    report.good.insert(report.good.end(), seen.good.begin(), seen.good.end());
    report.warnings.insert(report.warnings.end(), seen.warnings.begin(), seen.warnings.end());
  }
  connection.try_to_write(settings.queue.empty() ? settings.exchange : "");
  report.good.push_back("may publish by " + to_string(host));
  connection.close();
}

}  // namespace

BrokerReport check_amqp(const AmqpSettings& settings) {
  BrokerReport report;
  std::string failed;
  std::size_t failures = 0;
  bool is_looked_at = false;
  for (const auto& host : settings.access.hosts) {
    try {
      check_host(settings, host, is_looked_at, report);
    } catch (const LinkError& error) {
      const auto why = to_string(host) + ": " + error.what();
      failed += (failed.empty() ? "" : "; ") + why;
      ++failures;
      report.warnings.push_back(why + " (wxpush goes by the other hosts)");
    }
  }
  if (failures == settings.access.hosts.size()) throw LinkError(failed);
  report.losses = losses_of(settings);
  return report;
}

std::unique_ptr<Sink> make_amqp_sink(AmqpSettings settings, const std::string& handler,
                                     Clock& clock, Log& log) {
  BrokerThreadSettings thread;
  thread.handler = handler;
  thread.timeout = settings.access.timeout;
  thread.place = to_string(settings.access.hosts);
  // Shared with the links, which refer to it.
  auto shared = std::make_shared<const AmqpSettings>(std::move(settings));
  auto open = [shared, &clock, turn = std::size_t{0}]() mutable {
    return open_amqp(*shared, clock, turn++);
  };
  return make_broker_sink(std::move(open), std::move(thread), clock, log);
}

}  // namespace wxpush::sink
