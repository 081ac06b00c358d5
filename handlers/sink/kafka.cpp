#include "handlers/sink/kafka.h"

#include "handlers/sink/kafka_producer.h"
#include "handlers/sink/kafka_report.h"

#include <functional>
#include <poll.h>
#include <string>
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
  bool has_several_places() const override { return producer_.has_several_partitions(); }
  int socket() const override { return producer_.socket(); }
  std::chrono::milliseconds heartbeat() const override { return std::chrono::seconds(30); }
  std::string hindrance() const override { return producer_.trouble(); }
  const BrokerReport& report() const override { return report_; }

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

namespace {

// Waits for what the brokers tell until that is enough, or for too long.
void receive_until(KafkaProducer& producer, const KafkaSettings& settings, Clock& clock,
                   const std::function<bool()>& is_enough,
                   const KafkaProducer::Delivered& delivered) {
  const auto until = clock.steady() + settings.access.timeout + grace;
  while (!is_enough() && clock.steady() < until) {
    pollfd watched{producer.socket(), POLLIN, 0};
    ::poll(&watched, 1, static_cast<int>(settings.access.timeout.count()));
    producer.receive(delivered);
  }
}

// Whether we may, by a message that is larger than the topic takes. A broker looks at the rights
// first and at the size before anything is written, so that it is refused in any case.
void try_to_write(KafkaProducer& producer, const KafkaSettings& settings, Clock& clock,
                  BrokerReport& report) {
  constexpr std::int64_t most_tried = 8 << 20;
  const auto most = producer.topic().most_message_bytes;
  if (most <= 0 || most > most_tried) {
    report.warnings.push_back("whether we may write to topic " + settings.topic +
                              " was not tried: its max.message.bytes " +
                              (most <= 0 ? "cannot be seen" : "is more than can be sent for that"));
    return;
  }
  const std::string too_large(static_cast<std::size_t>(most) + 1, ' ');
  bool is_answered = false;
  auto answer = producer.produce(0, "wxpush check", {}, too_large);
  if (!answer)
    receive_until(
        producer, settings, clock, [&] { return is_answered; },
        [&](std::uint64_t, const Outcome& outcome) {
          is_answered = true;
          answer = outcome;
        });
  if (answer && answer->blame == Blame::event) {
    report.good.push_back("may write to topic " + settings.topic);
  } else if (is_answered && !answer) {
    report.warnings.push_back("topic " + settings.topic +
                              " took a message that is larger than its max.message.bytes: it has "
                              "one of spaces alone now");
  } else {
    throw LinkError("writing to topic " + settings.topic + ": " +
                    (answer ? answer->error : "no answer"));
  }
}

}  // namespace

BrokerReport check_kafka(const KafkaSettings& settings, Clock& clock) {
  KafkaProducer producer(settings);
  receive_until(
      producer, settings, clock, [&] { return producer.topic().in_sync_copies.has_value(); },
      [](auto&&...) {});
  auto report = kafka_report(settings.topic, producer.topic());
  try_to_write(producer, settings, clock, report);
  return report;
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
