#include "handlers/sink/kafka.h"

#include "handlers/sink/kafka_producer.h"
#include "handlers/sink/kafka_report.h"

#include <poll.h>
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
    report_ = kafka_report(settings_.topic, producer_.topic());
  }

  void publish(std::uint64_t ticket, const Delivery& delivery) override {
    const auto headers = http_headers(delivery, settings_.access.secrets, clock_.wall());
    auto refused =
        producer_.produce(ticket, partition_key(delivery.stored), headers, delivery.stored.body);
    if (refused) not_taken_.emplace_back(ticket, std::move(refused));
  }

  void exchange(const Confirm& confirm) override {
    for (auto& [ticket, refused] : std::exchange(not_taken_, {}))
      confirm(ticket, std::move(refused));
    producer_.receive(confirm);
    if (is_complete_ || !producer_.topic().in_sync_copies) return;
    report_ = kafka_report(settings_.topic, producer_.topic());
    is_complete_ = true;
  }

  void close() noexcept override {}
  std::string place(const Delivery& delivery) const override {
    return "partition " + std::to_string(producer_.partition(partition_key(delivery.stored)));
  }
  int socket() const override { return producer_.socket(); }
  std::chrono::milliseconds heartbeat() const override { return std::chrono::seconds(30); }
  std::string hindrance() const override { return producer_.trouble(); }
  const BrokerReport& report() const override { return report_; }
  bool is_complete() const noexcept { return is_complete_; }  // the report

 private:
  const KafkaSettings& settings_;
  Clock& clock_;
  KafkaProducer producer_;
  std::vector<std::pair<std::uint64_t, Outcome>> not_taken_;
  BrokerReport report_;
  bool is_complete_ = false;
};

}  // namespace

std::unique_ptr<BrokerLink> open_kafka(const KafkaSettings& settings, Clock& clock) {
  return std::make_unique<KafkaLink>(settings, clock);
}

BrokerReport check_kafka(const KafkaSettings& settings, Clock& clock) {
  KafkaLink link(settings, clock);
  const auto until = clock.steady() + settings.access.timeout + grace;
  while (!link.is_complete() && clock.steady() < until) {
    pollfd watched{link.socket(), POLLIN, 0};
    ::poll(&watched, 1, static_cast<int>(settings.access.timeout.count()));
    link.exchange([](auto&&...) {});
  }
  return link.report();
}

std::unique_ptr<Sink> make_kafka_sink(KafkaSettings settings, const std::string& handler,
                                      Clock& clock, Log& log) {
  BrokerThreadSettings thread;
  thread.handler = handler;
  thread.timeout = settings.access.timeout + grace;
  thread.place = to_string(settings.access.hosts);
  auto shared = std::make_shared<const KafkaSettings>(std::move(settings));  // links refer to it
  auto open = [shared, &clock] { return open_kafka(*shared, clock); };
  return make_broker_sink(std::move(open), std::move(thread), clock, log);
}

}  // namespace wxpush::sink
