// The handlers of brokers, back to TOML.
#include "config/names.h"
#include "config/printing.h"
#include "handlers/base/url.h"

namespace wxpush::config {
namespace {

std::string text_of(const BrokerHost& host) {
  return host.port == 0 ? "unix:" + host.host : host_and_port(host.host, host.port);
}

void print_broker(std::ostream& out, const Broker& broker) {
  out << "hosts = " << array_of(broker.hosts, [](const auto& host) { return quote(text_of(host)); })
      << "\n";
  if (!broker.user.empty()) out << "user = " << quote(broker.user) << "\n";
  if (!broker.password.empty()) out << "password = " << masked(broker.password) << "\n";
  out << "timeout = " << duration(broker.timeout) << "\n"
      << "secrets = " << array_of(broker.secrets, masked) << "\n";
}

void print_tls(std::ostream& out, const Broker& broker) {
  out << "tls = " << (broker.tls ? "true" : "false") << "\n";
  if (!broker.ca_file.empty()) out << "ca_file = " << path(broker.ca_file) << "\n";
  print_client_certificate(out, broker.certificate, broker.private_key);
}

}  // namespace

void print_client_certificate(std::ostream& out, const std::filesystem::path& certificate,
                              const std::filesystem::path& private_key) {
  if (certificate.empty()) return;
  out << "certificate = " << path(certificate) << "\n"
      << "private_key = " << path(private_key) << "\n";
}

void print_amqp(std::ostream& out, const AmqpTarget& amqp) {
  print_broker(out, amqp);
  print_tls(out, amqp);
  out << "vhost = " << quote(amqp.vhost) << "\n";
  if (!amqp.queue.empty()) {
    out << "queue = " << quote(amqp.queue) << "\n";
  } else {
    out << "exchange = " << quote(amqp.exchange) << "\n"
        << "routing_key = " << quote(amqp.routing_key) << "\n";
  }
  out << "partitions = " << amqp.partitions << "\n"
      << "heartbeat = " << duration(amqp.heartbeat) << "\n";
}

void print_redis(std::ostream& out, const RedisTarget& redis) {
  print_broker(out, redis);
  out << "database = " << redis.database << "\n"
      << "stream = " << quote(redis.stream) << "\n"
      << "partitions = " << redis.partitions << "\n"
      << "seen_for = " << duration(redis.seen_for) << "\n"
      << "replicas = " << redis.replicas << "\n";
}

void print_kafka(std::ostream& out, const KafkaTarget& kafka) {
  print_broker(out, kafka);
  print_tls(out, kafka);
  out << "topic = " << quote(kafka.topic) << "\n"
      << "sasl = " << quote(name_of(kafka_sasl_names, kafka.sasl)) << "\n";
}

}  // namespace wxpush::config
