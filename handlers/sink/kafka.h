#pragma once
// Kafka: an idempotent producer with acks=all; the order key is the message's key, so that an order
// stays in one partition; done when the delivery report says so (librdkafka, INTRODUCTION.md,
// "Idempotent Producer"; CONFIGURATION.md).

#include "handlers/sink/broker_link.h"

#include <cstdint>
#include <memory>
#include <string>

namespace wxpush::sink {

enum class KafkaSasl : std::uint8_t { none, plain, scram_sha_256, scram_sha_512 };

struct KafkaSettings {
  BrokerAccess access;  // its hosts: whom to ask for the others
  std::string topic;    // must be there: what makes it durable is said when it is made
  KafkaSasl sasl = KafkaSasl::none;
};

// Throws LinkError.
std::unique_ptr<BrokerLink> open_kafka(const KafkaSettings& settings, Clock& clock);
// What can be known without leaving anything in the topic: the connection, the topic, its copies,
// the right to write. Throws LinkError.
BrokerReport check_kafka(const KafkaSettings& settings, Clock& clock);

std::unique_ptr<Sink> make_kafka_sink(KafkaSettings settings, const std::string& handler,
                                      Clock& clock, Log& log);

}  // namespace wxpush::sink
