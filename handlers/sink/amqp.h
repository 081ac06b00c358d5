#pragma once
// RabbitMQ (AMQP 0-9-1): persistent messages, mandatory, each done when the broker confirmed it. On
// a quorum queue that is after a majority of its nodes wrote and synced it (rabbitmq.com,
// "Consumer Acknowledgements and Publisher Confirms", "Quorum Queues").

#include "handlers/sink/broker_link.h"

#include <cstdint>
#include <memory>
#include <string>

namespace wxpush::sink {

struct AmqpSettings {
  BrokerAccess access;
  std::string vhost = "/";
  // Either: queues that are declared, durable, of type quorum, with one active consumer at a time:
  // `queue`, or, with partitions, `queue`.0, `queue`.1, …, of which the order key chooses one.
  std::string queue;
  // Or: an exchange that is there already ("" = the default one), and how events are routed by it:
  // {app}, {appid}, {type} and {partition} are replaced.
  std::string exchange, routing_key;
  std::uint32_t partitions = 1;
  std::chrono::seconds heartbeat{10};
};

// Connects to one of the hosts, the next one each time. `turn` chooses the first.
std::unique_ptr<BrokerLink> open_amqp(const AmqpSettings& settings, Clock& clock, std::size_t turn);
// What can be known without changing anything: the connections, the rights, the queues, of each
// host. Throws LinkError if none of them works.
BrokerReport check_amqp(const AmqpSettings& settings);

std::unique_ptr<Sink> make_amqp_sink(AmqpSettings settings, const std::string& handler,
                                     Clock& clock, Log& log);

}  // namespace wxpush::sink
