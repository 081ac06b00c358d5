#include "handlers/sink/kafka_library.h"

#include "handlers/sink/kafka_configuration.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string_view>

namespace wxpush::sink {
namespace {

class Configuration {
 public:
  ~Configuration() {
    if (conf_ != nullptr) rd_kafka_conf_destroy(conf_);
  }
  Configuration() = default;
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  void set(const std::string& name, const std::string& value) {
    if (rd_kafka_conf_set(conf_, name.c_str(), value.c_str(), error_.data(), error_.size()) !=
        RD_KAFKA_CONF_OK)
      throw LinkError(error_.data());
  }
  rd_kafka_t* make_producer() {
    rd_kafka_conf_set_events(conf_, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    auto* const made = rd_kafka_new(RD_KAFKA_PRODUCER, conf_, error_.data(), error_.size());
    if (made == nullptr) throw LinkError(error_.data());
    conf_ = nullptr;  // the producer's
    return made;
  }

 private:
  rd_kafka_conf_t* conf_ = rd_kafka_conf_new();
  std::array<char, 512> error_{};
};

std::span<const rd_kafka_metadata_partition_t> partitions_of(const rd_kafka_metadata_topic_t& of) {
  return {of.partitions, static_cast<std::size_t>(of.partition_cnt)};
}

void read_setting(const rd_kafka_ConfigEntry_t* entry, KafkaProducer::Topic& into) {
  const std::string_view name = rd_kafka_ConfigEntry_name(entry);
  const char* const value = rd_kafka_ConfigEntry_value(entry);
  if (value == nullptr) return;
  if (name == "min.insync.replicas") into.in_sync_copies = std::atoi(value);
  if (name == "cleanup.policy") into.cleanup_policy = value;
  if (name == "unclean.leader.election.enable")
    into.may_elect_unclean = std::string_view(value) == "true";
  if (name == "max.message.bytes") into.most_message_bytes = std::atoll(value);
}

}  // namespace

rd_kafka_t* make_kafka_producer(const KafkaSettings& settings) {
  Configuration configuration;
  for (const auto& [name, value] : kafka_configuration(settings)) configuration.set(name, value);
  return configuration.make_producer();
}

KafkaProducer::Topic read_kafka_topic(const rd_kafka_metadata_t& told, const std::string& name) {
  if (told.topic_cnt != 1) throw LinkError("topic " + name + ": not told of");
  const auto& topic = told.topics[0];
  if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR || topic.partition_cnt == 0)
    throw LinkError("topic " + name + ": " + rd_kafka_err2str(topic.err));
  KafkaProducer::Topic found;
  found.partitions = topic.partition_cnt;
  found.copies = topic.partitions[0].replica_cnt;
  for (const auto& partition : partitions_of(topic)) {
    found.copies = std::min(found.copies, partition.replica_cnt);
    if (partition.isr_cnt < partition.replica_cnt) ++found.behind;
  }
  return found;
}

void ask_kafka_settings(rd_kafka_t* producer, const rd_kafka_metadata_t& told,
                        std::chrono::milliseconds timeout, rd_kafka_queue_t* answers) {
  const KafkaOwned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy> options(
      rd_kafka_AdminOptions_new(producer, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  std::array<char, 256> ignored{};  // what is set is in range
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(timeout.count()),
                                            ignored.data(), ignored.size());
  // Any broker knows them, and to this one there will be a connection in any case.
  const auto partitions = partitions_of(told.topics[0]);
  const auto led =
      std::ranges::find_if(partitions, [](const auto& one) { return one.leader >= 0; });
  if (led != partitions.end())
    rd_kafka_AdminOptions_set_broker(options.get(), led->leader, ignored.data(), ignored.size());
  const KafkaOwned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy> resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, told.topics[0].topic));
  std::array<rd_kafka_ConfigResource_t*, 1> asked{resource.get()};
  rd_kafka_DescribeConfigs(producer, asked.data(), asked.size(), options.get(), answers);
}

void read_kafka_settings(rd_kafka_event_t& event, KafkaProducer::Topic& into) {
  into.in_sync_copies = 0;
  into.why_unseen = rd_kafka_event_error_string(&event);
  const auto* const result = rd_kafka_event_DescribeConfigs_result(&event);
  if (rd_kafka_event_error(&event) != RD_KAFKA_RESP_ERR_NO_ERROR || result == nullptr) return;
  std::size_t count = 0;
  auto** const described = rd_kafka_DescribeConfigs_result_resources(result, &count);
  for (const auto* const resource : std::span(described, count)) {
    if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR)
      into.why_unseen = rd_kafka_ConfigResource_error_string(resource);
    std::size_t entries = 0;
    auto** const values = rd_kafka_ConfigResource_configs(resource, &entries);
    for (const auto* const entry : std::span(values, entries)) read_setting(entry, into);
  }
}

Outcome kafka_outcome(rd_kafka_resp_err_t error, const std::string& trouble) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  Failure failure;
  failure.error = std::string("Kafka: ") + rd_kafka_err2str(error);
  switch (error) {
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
      // The library does not tell which errors it retried until then.
      failure.error +=
          ": " + (trouble.empty() ? "no broker says why; perhaps too few copies are in "
                                    "sync (min.insync.replicas)"
                                  : trouble);
      break;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
      failure.blame = Blame::event;
      break;
    default:
      break;
  }
  return failure;
}

}  // namespace wxpush::sink
