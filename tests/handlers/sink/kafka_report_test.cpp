#include "handlers/sink/kafka_report.h"

#include "handlers/sink/kafka_library.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace wxpush;
using namespace wxpush::sink;

namespace {

KafkaProducer::Topic topic(int copies, std::optional<int> in_sync_copies) {
  KafkaProducer::Topic made;
  made.partitions = 12;
  made.copies = copies;
  made.in_sync_copies = in_sync_copies;
  return made;
}

bool names(const std::vector<std::string>& lines, const std::string& text) {
  return std::ranges::any_of(
      lines, [&](const auto& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("three copies, two of them in sync: nothing to warn of") {
  const auto report = kafka_report("events", topic(3, 2));
  CHECK(report.warnings.empty());
  CHECK(report.good == std::vector<std::string>{"topic events: 12 partitions, 3 copies of each",
                                                "confirmed by at least 2 brokers"});
}

TEST_CASE("what makes a confirmation worth less is warned of") {
  CHECK(names(kafka_report("events", topic(1, 1)).warnings, "topic events has one copy"));
  CHECK(names(kafka_report("events", topic(3, 1)).warnings, "is 1: Kafka may confirm"));
  CHECK_FALSE(names(kafka_report("events", topic(3, 1)).good, "confirmed by"));
}

TEST_CASE("what keeps events waiting is warned of") {
  CHECK(names(kafka_report("events", topic(2, 3)).warnings, "nothing is taken"));
  CHECK(names(kafka_report("events", topic(2, 2)).warnings, "while one broker is down"));
  auto behind = topic(3, 2);
  behind.behind = 4;
  CHECK(names(kafka_report("events", behind).warnings,
              "copies of 4 of 12 partitions of topic events are not in sync"));
}

TEST_CASE("a topic that deletes events before they are read, or with a leader, is warned of") {
  CHECK(kafka_report("events", topic(3, 2)).warnings.empty());
  for (const char* const policy : {"compact", "compact,delete", "delete,compact"}) {
    CAPTURE(policy);
    auto compacted = topic(3, 2);
    compacted.cleanup_policy = policy;
    CHECK(
        names(kafka_report("events", compacted).warnings,
              std::string("cleanup.policy of topic events is ") + policy + ": Kafka deletes all"));
    CHECK(names(kafka_report("events", compacted).losses, "all events of each order but its last"));
  }
  auto unclean = topic(3, 2);
  unclean.may_elect_unclean = true;
  CHECK(names(kafka_report("events", unclean).warnings, "unclean.leader.election.enable"));
  CHECK(names(kafka_report("events", unclean).losses, "becomes the leader: what it did not have"));
}

TEST_CASE("what is lost on which failure goes by the copies") {
  const auto first = [](int copies, std::optional<int> in_sync) {
    return kafka_report("events", topic(copies, in_sync)).losses.front();
  };
  CHECK(first(1, 1) == "the disk of a broker dies: everything on it");
  CHECK(first(3, 1) == "the disk of a broker dies: what it alone had confirmed");
  CHECK(first(3, 0).ends_with("unless min.insync.replicas is 2 or more"));
  CHECK(first(3, 2) == "the disks of up to 1 of the brokers die: nothing");
  CHECK(first(5, 3) == "the disks of up to 2 of the brokers die: nothing");
}

TEST_CASE("a setting that was not told yet is not judged, one that cannot be seen is") {
  CHECK(kafka_report("events", topic(3, std::nullopt)).warnings.empty());
  auto unseen = topic(3, 0);
  unseen.why_unseen = "Topic authorization failed";
  CHECK(names(kafka_report("events", unseen).warnings,
              "cannot be seen (Topic authorization failed): it must be 2 or more"));
}

TEST_CASE("a delivery report blames the event only where its broker judged it") {
  CHECK_FALSE(kafka_outcome(RD_KAFKA_RESP_ERR_NO_ERROR, ""));
  for (const auto error : {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD,
                           RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE}) {
    CAPTURE(rd_kafka_err2name(error));
    CHECK(kafka_outcome(error, "")->blame == Blame::event);
  }
  for (const auto error : {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__QUEUE_FULL,
                           RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                           RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR__FATAL}) {
    CAPTURE(rd_kafka_err2name(error));
    CHECK(kafka_outcome(error, "")->blame == Blame::handler);
    CHECK_FALSE(kafka_outcome(error, "")->permanent);
  }
}

TEST_CASE("a time-out is told with what was heard of the brokers, others are clear by themselves") {
  const auto timed_out = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
  CHECK(kafka_outcome(timed_out, "Connection refused")->error.ends_with(": Connection refused"));
  CHECK(names({kafka_outcome(timed_out, "")->error}, "min.insync.replicas"));
  CHECK(kafka_outcome(RD_KAFKA_RESP_ERR__QUEUE_FULL, "old trouble")->error ==
        "Kafka: Local: Queue full");
}
