#include "server/brokers.h"

#include "config/names.h"
#if WXPUSH_AMQP
#include "handlers/sink/amqp.h"
#endif
#if WXPUSH_KAFKA
#include "handlers/sink/kafka.h"
#endif
#if WXPUSH_REDIS
#include "handlers/sink/redis.h"
#endif

#include <stdexcept>
#include <utility>

namespace wxpush::server {
namespace {

using config::HandlerType;

[[maybe_unused]] sink::BrokerAccess access_of(const config::Broker& broker) {
  sink::BrokerAccess access;
  for (const auto& host : broker.hosts) access.hosts.push_back({host.host, host.port});
  access.tls = broker.tls;
  access.ca_file = broker.ca_file;
  access.certificate = broker.certificate;
  access.private_key = broker.private_key;
  access.user = broker.user;
  access.password = broker.password.reveal();
  access.timeout = broker.timeout;
  for (const auto& secret : broker.secrets) access.secrets.push_back(secret.reveal());
  return access;
}

#if WXPUSH_AMQP
sink::AmqpSettings amqp_settings(const config::AmqpTarget& amqp) {
  return {.access = access_of(amqp),
          .vhost = amqp.vhost,
          .queue = amqp.queue,
          .exchange = amqp.exchange,
          .routing_key = amqp.routing_key,
          .partitions = amqp.partitions,
          .heartbeat = amqp.heartbeat};
}
#endif

#if WXPUSH_REDIS
sink::RedisSettings redis_settings(const config::RedisTarget& redis) {
  return {.access = access_of(redis),
          .database = redis.database,
          .stream = redis.stream,
          .partitions = redis.partitions,
          .seen_for = redis.seen_for,
          .replicas = redis.replicas};
}
#endif

#if WXPUSH_KAFKA
sink::KafkaSettings kafka_settings(const config::KafkaTarget& kafka) {
  sink::KafkaSettings settings{.access = access_of(kafka), .topic = kafka.topic};
  switch (kafka.sasl) {
    case config::KafkaSasl::none:
      break;
    case config::KafkaSasl::plain:
      settings.sasl = sink::KafkaSasl::plain;
      break;
    case config::KafkaSasl::scram_sha_256:
      settings.sasl = sink::KafkaSasl::scram_sha_256;
      break;
    case config::KafkaSasl::scram_sha_512:
      settings.sasl = sink::KafkaSasl::scram_sha_512;
      break;
  }
  return settings;
}
#endif

[[noreturn]] void not_built_in(HandlerType type) {
  throw std::runtime_error("type " + config::name_of(config::handler_type_names, type) +
                           " is not built into this version");
}

}  // namespace

std::unique_ptr<sink::Sink> make_broker_sink(const config::Handler& handler, Clock& clock,
                                             Log& log) {
#if WXPUSH_AMQP
  if (handler.type == HandlerType::amqp)
    return sink::make_amqp_sink(amqp_settings(handler.amqp), handler.name, clock, log);
#endif
#if WXPUSH_REDIS
  if (handler.type == HandlerType::redis)
    return sink::make_redis_sink(redis_settings(handler.redis), handler.name, clock, log);
#endif
#if WXPUSH_KAFKA
  if (handler.type == HandlerType::kafka)
    return sink::make_kafka_sink(kafka_settings(handler.kafka), handler.name, clock, log);
#endif
  not_built_in(handler.type);
}

sink::BrokerReport check_broker(const config::Handler& handler, Clock& clock) {
#if WXPUSH_AMQP
  if (handler.type == HandlerType::amqp) return sink::check_amqp(amqp_settings(handler.amqp));
#endif
#if WXPUSH_REDIS
  if (handler.type == HandlerType::redis)
    return sink::check_redis(redis_settings(handler.redis), clock);
#endif
#if WXPUSH_KAFKA
  if (handler.type == HandlerType::kafka)
    return sink::check_kafka(kafka_settings(handler.kafka), clock);
#endif
  not_built_in(handler.type);
}

}  // namespace wxpush::server
