#include "handlers/sink/kafka.h"

#include "handlers/sink/kafka_producer.h"

#include <utility>
#include <vector>

namespace wxpush::sink {
namespace {

// The library gives up first, with a reason for each message.
constexpr std::chrono::milliseconds grace{2000};

class KafkaLink final : public BrokerLink {
 public:
  KafkaLink(const KafkaSettings& settings, Clock& clock)
      : settings_(settings), clock_(clock), producer_(settings) {
    judge();
  }

  void publish(std::uint64_t ticket, const Delivery& delivery) override {
    const auto headers = http_headers(delivery, settings_.access.secrets, clock_.wall());
    auto why =
        producer_.produce(ticket, partition_key(delivery.stored), headers, delivery.stored.body);
    if (!why.empty()) not_taken_.emplace_back(ticket, std::move(why));
  }

  void exchange(const Confirm& confirm) override {
    for (const auto& [ticket, why] : std::exchange(not_taken_, {}))
      confirm(ticket, failed(why, false));
    producer_.receive([&](std::uint64_t ticket, const std::string& error, bool is_too_large) {
      confirm(ticket, error.empty() ? Outcome() : failed(error, is_too_large));
    });
  }

  void close() noexcept override {}
  int socket() const override { return producer_.socket(); }
  std::chrono::milliseconds heartbeat() const override { return std::chrono::seconds(30); }
  std::string hindrance() const override { return producer_.trouble(); }
  const BrokerReport& report() const override { return report_; }

 private:
  static Outcome failed(const std::string& why, bool is_too_large) {
    Failure failure;
    failure.error = "Kafka: " + why;
    if (is_too_large) failure.blame = Blame::event;
    return failure;
  }

  void judge() {
    const auto& topic = producer_.topic();
    report_.good.push_back("topic " + settings_.topic + ": " + std::to_string(topic.partitions) +
                           " partitions, " + std::to_string(topic.copies) + " copies of each");
    if (topic.copies < 2)
      report_.warnings.push_back("topic " + settings_.topic +
                                 " has one copy: what Kafka confirmed is lost with its broker's "
                                 "disk, and with a power cut; make it with 3");
    if (topic.in_sync_copies == 1) {
      report_.warnings.push_back("min.insync.replicas of topic " + settings_.topic +
                                 " is 1: Kafka may confirm what one broker alone has; set it to 2");
    } else if (topic.in_sync_copies > 1) {
      report_.good.push_back("confirmed by at least " + std::to_string(topic.in_sync_copies) +
                             " brokers");
    } else {
      report_.warnings.push_back("min.insync.replicas of topic " + settings_.topic +
                                 " cannot be seen (" + topic.why_unseen +
                                 "): it must be 2 or more");
    }
  }

  const KafkaSettings& settings_;
  Clock& clock_;
  KafkaProducer producer_;
  std::vector<std::pair<std::uint64_t, std::string>> not_taken_;
  BrokerReport report_;
};

}  // namespace

std::unique_ptr<BrokerLink> open_kafka(const KafkaSettings& settings, Clock& clock) {
  return std::make_unique<KafkaLink>(settings, clock);
}

BrokerReport check_kafka(const KafkaSettings& settings, Clock& clock) {
  return open_kafka(settings, clock)->report();
}

std::unique_ptr<Sink> make_kafka_sink(KafkaSettings settings, const std::string& handler,
                                      Clock& clock, Log& log) {
  BrokerThreadSettings thread;
  thread.handler = handler;
  thread.timeout = settings.access.timeout + grace;
  for (const auto& host : settings.access.hosts)
    thread.place += (thread.place.empty() ? "" : ",") + to_string(host);
  auto shared = std::make_shared<const KafkaSettings>(std::move(settings));  // links refer to it
  auto open = [shared, &clock] { return open_kafka(*shared, clock); };
  return make_broker_sink(std::move(open), std::move(thread), clock, log);
}

}  // namespace wxpush::sink
