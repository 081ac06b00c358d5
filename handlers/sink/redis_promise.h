#pragma once
// What Redis' own settings make of its answer. Pure, but for looking them up.

#include "handlers/sink/redis_connection.h"

#include <cstdint>
#include <map>
#include <string>

namespace wxpush::sink {

// By the settings' names: appendonly, appendfsync, maxmemory, maxmemory-policy. Throws LinkError if
// Redis may evict the stream: then nothing that it answers is worth anything.
BrokerReport judge_redis(const std::map<std::string, std::string>& settings);
// The settings as Redis tells them, judged, and whether entries were removed from the streams
// before a group of consumers read them. What it does not let us see is a warning.
BrokerReport look_at_promise(RedisConnection& connection, const RedisSettings& settings);

}  // namespace wxpush::sink
