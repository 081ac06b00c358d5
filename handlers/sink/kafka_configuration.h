#pragma once
// What librdkafka is told (its CONFIGURATION.md). Pure.

#include "handlers/sink/kafka.h"

#include <string>
#include <utility>
#include <vector>

namespace wxpush::sink {

// Names and values, in the order in which they are to be set. Holds the password.
using KafkaConfiguration = std::vector<std::pair<std::string, std::string>>;
KafkaConfiguration kafka_configuration(const KafkaSettings& settings);

}  // namespace wxpush::sink
