#include "handlers/sink/kafka_configuration.h"

#include <algorithm>

namespace wxpush::sink {
namespace {

using std::chrono::milliseconds;

// Beyond what a push can be, so that the brokers decide: they have a bound of their own, 1 MiB
// unless somebody raised it.
constexpr std::size_t most_message_bytes = 65 << 20;
// Copies of what is on its way. More is refused, and offered again.
constexpr std::size_t most_buffered_kib = 256 << 10;
constexpr milliseconds least_setup{1000};  // librdkafka's

const char* mechanism(KafkaSasl sasl) {
  switch (sasl) {
    case KafkaSasl::plain:
      return "PLAIN";
    case KafkaSasl::scram_sha_256:
      return "SCRAM-SHA-256";
    case KafkaSasl::scram_sha_512:
      return "SCRAM-SHA-512";
    case KafkaSasl::none:
      break;
  }
  return "";
}

void add_access(KafkaConfiguration& to, const KafkaSettings& settings) {
  const auto& access = settings.access;
  const bool sasl = settings.sasl != KafkaSasl::none;
  const std::string protocol = access.tls ? "SSL" : "PLAINTEXT";
  to.emplace_back("bootstrap.servers", to_string(access.hosts));
  to.emplace_back("security.protocol", (sasl ? "SASL_" : "") + protocol);
  if (access.tls) {
    to.emplace_back("enable.ssl.certificate.verification", "true");
    to.emplace_back("ssl.endpoint.identification.algorithm", "https");  // of 1.x: none
    if (!access.ca_file.empty()) to.emplace_back("ssl.ca.location", access.ca_file.string());
    if (!access.certificate.empty()) {
      to.emplace_back("ssl.certificate.location", access.certificate.string());
      to.emplace_back("ssl.key.location", access.private_key.string());
    }
  }
  if (!sasl) return;
  to.emplace_back("sasl.mechanisms", mechanism(settings.sasl));
  to.emplace_back("sasl.username", access.user);
  to.emplace_back("sasl.password", access.password);
}

// What is confirmed is written by as many brokers as the topic asks for, once, and an order stays
// in its partition.
void add_promise(KafkaConfiguration& to) {
  to.emplace_back("acks", "all");
  to.emplace_back("enable.idempotence", "true");
  to.emplace_back("partitioner", "murmur2_random");  // as Kafka's own clients choose by the key
  // A topic that a broker makes up has its defaults: often one partition, and one copy.
  to.emplace_back("allow.auto.create.topics", "false");
}

void add_times(KafkaConfiguration& to, milliseconds timeout) {
  const auto all = std::to_string(timeout.count());
  to.emplace_back("message.timeout.ms", all);
  to.emplace_back("request.timeout.ms", all);
  to.emplace_back("socket.timeout.ms", all);  // who does not answer is left
  to.emplace_back("socket.connection.setup.timeout.ms",
                  std::to_string(std::max(timeout, least_setup).count()));
  to.emplace_back("socket.keepalive.enable", "true");
  to.emplace_back("linger.ms", "1");
  to.emplace_back("retry.backoff.ms", "100");
  to.emplace_back("reconnect.backoff.max.ms", "2000");
  to.emplace_back("topic.metadata.refresh.fast.interval.ms", "100");
}

}  // namespace

KafkaConfiguration kafka_configuration(const KafkaSettings& settings) {
  KafkaConfiguration made;
  made.emplace_back("client.id", "wxpush");
  made.emplace_back("log.queue", "true");  // not to stderr
  made.emplace_back("message.max.bytes", std::to_string(most_message_bytes));
  made.emplace_back("queue.buffering.max.kbytes", std::to_string(most_buffered_kib));
  add_access(made, settings);
  add_promise(made);
  add_times(made, settings.access.timeout);
  return made;
}

}  // namespace wxpush::sink
