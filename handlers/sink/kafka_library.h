#pragma once
// librdkafka's objects as C++ has them, and what they tell. Only for kafka_producer.cpp.

#include "handlers/sink/kafka_producer.h"

#include <chrono>
#include <librdkafka/rdkafka.h>
#include <memory>
#include <string>

namespace wxpush::sink {

template <auto destroy>
struct KafkaDeleter {
  template <class T>
  void operator()(T* object) const noexcept {
    destroy(object);
  }
};
template <class T, auto destroy>
using KafkaOwned = std::unique_ptr<T, KafkaDeleter<destroy>>;
using KafkaEvent = KafkaOwned<rd_kafka_event_t, rd_kafka_event_destroy>;
using KafkaQueue = KafkaOwned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using KafkaTopicHandle = KafkaOwned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using KafkaMetadata = KafkaOwned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>;

// Connects to nobody yet. Throws LinkError.
rd_kafka_t* make_kafka_producer(const KafkaSettings& settings);

// Throws LinkError unless the one topic that was asked for is there.
KafkaProducer::Topic read_kafka_topic(const rd_kafka_metadata_t& told, const std::string& name);
// Asks the broker that leads one of its partitions for the topic's settings; the answer comes as an
// event to `answers`, and is for read_kafka_settings().
void ask_kafka_settings(rd_kafka_t* producer, const rd_kafka_metadata_t& told,
                        std::chrono::milliseconds timeout, rd_kafka_queue_t* answers);
void read_kafka_settings(rd_kafka_event_t& event, KafkaProducer::Topic& into);

// What the delivery report of a message says; nothing: delivered. `trouble` may explain a time-out.
Outcome kafka_outcome(rd_kafka_resp_err_t error, const std::string& trouble);

}  // namespace wxpush::sink
