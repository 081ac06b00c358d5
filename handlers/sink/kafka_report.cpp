#include "handlers/sink/kafka_report.h"

#include <algorithm>

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

bool is_compacted(const KafkaProducer::Topic& topic) {
  return topic.cleanup_policy.find("compact") != std::string::npos;
}

void judge_keeping(BrokerReport& report, const std::string& name,
                   const KafkaProducer::Topic& topic) {
  if (is_compacted(topic))
    report.warnings.push_back("cleanup.policy of topic " + name + " is " + topic.cleanup_policy +
                              ": Kafka deletes all events of an order but the last, read or not, "
                              "since the key is the order's; set it to delete");
  if (topic.may_elect_unclean)
    report.warnings.push_back("unclean.leader.election.enable of topic " + name +
                              " is true: a broker that is behind may become the leader, and what "
                              "it does not have is lost; set it to false");
}

std::vector<std::string> losses_of(const KafkaProducer::Topic& topic) {
  std::vector<std::string> losses;
  const int sure = std::min(topic.copies, topic.in_sync_copies.value_or(0));
  if (topic.copies == 1) {
    losses.emplace_back("the disk of a broker dies: everything on it");
  } else if (sure < 2) {
    losses.emplace_back("the disk of a broker dies: what it alone had confirmed" +
                        std::string(sure == 1 ? "" : ", unless min.insync.replicas is 2 or more"));
  } else {
    losses.push_back("the disks of up to " + std::to_string(sure - 1) +
                     " of the brokers die: nothing");
  }
  losses.emplace_back(
      "all brokers that have a copy lose power at once: what they had not written back; Kafka "
      "confirms from memory");
  if (topic.may_elect_unclean)
    losses.emplace_back("a broker that is behind becomes the leader: what it did not have");
  if (is_compacted(topic))
    losses.emplace_back("the topic is compacted: all events of each order but its last");
  return losses;
}

}  // namespace

BrokerReport kafka_report(const std::string& name, const KafkaProducer::Topic& topic) {
  BrokerReport report;
  judge_copies(report, name, topic);
  if (topic.in_sync_copies) judge_confirmation(report, name, topic);
  judge_keeping(report, name, topic);
  report.losses = losses_of(topic);
  return report;
}

}  // namespace wxpush::sink
