#pragma once
// What is found out about a topic, told to people. Pure.

#include "handlers/sink/kafka_producer.h"

#include <string>

namespace wxpush::sink {

BrokerReport kafka_report(const std::string& name, const KafkaProducer::Topic& topic);

}  // namespace wxpush::sink
