#include "handlers/sink/kafka_report.h"

namespace wxpush::sink {
namespace {

void judge_copies(BrokerReport& report, const std::string& name,
                  const KafkaProducer::Topic& topic) {
  report.good.push_back("topic " + name + ": " + std::to_string(topic.partitions) +
                        " partitions, " + std::to_string(topic.copies) + " copies of each");
  if (topic.copies < 2)
    report.warnings.push_back("topic " + name +
                              " has one copy: what Kafka confirmed is lost with its broker's disk, "
                              "and with a power cut; make it with 3");
  if (topic.behind > 0)
    report.warnings.push_back("copies of " + std::to_string(topic.behind) + " of " +
                              std::to_string(topic.partitions) + " partitions of topic " + name +
                              " are not in sync now: a broker is down, or slow");
}

// `min.insync.replicas`: with less, a confirmation can come from one broker alone; with as many as
// there are copies, nothing is confirmed once a broker is down.
void judge_confirmation(BrokerReport& report, const std::string& name,
                        const KafkaProducer::Topic& topic) {
  const int wanted = *topic.in_sync_copies;
  const std::string setting = "min.insync.replicas of topic " + name;
  if (wanted == 0) {
    report.warnings.push_back(setting + " cannot be seen (" + topic.why_unseen +
                              "): it must be 2 or more");
  } else if (wanted == 1) {
    report.warnings.push_back(setting +
                              " is 1: Kafka may confirm what one broker alone has; set it to 2");
  } else if (wanted > topic.copies) {
    report.warnings.push_back(setting + " is " + std::to_string(wanted) + ", but it has " +
                              std::to_string(topic.copies) +
                              " copies: nothing is taken; set it to one less than the copies");
  } else {
    report.good.push_back("confirmed by at least " + std::to_string(wanted) + " brokers");
    if (wanted == topic.copies)
      report.warnings.push_back(
          setting + " is the number of its copies: nothing is taken while one broker is down");
  }
}

}  // namespace

BrokerReport kafka_report(const std::string& name, const KafkaProducer::Topic& topic) {
  BrokerReport report;
  judge_copies(report, name, topic);
  if (topic.in_sync_copies) judge_confirmation(report, name, topic);
  return report;
}

}  // namespace wxpush::sink
