#pragma once
// What Redis' own settings, and what became of the streams, make of its answer.

#include "handlers/sink/redis_connection.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::sink {

// By the settings' names: appendonly, appendfsync, no-appendfsync-on-rewrite, maxmemory,
// maxmemory-policy. Throws LinkError if Redis may evict the stream: then nothing that it answers is
// worth anything. Pure.
BrokerReport judge_redis(const std::map<std::string, std::string>& settings);

// What of the confirmed is lost on which failure. Settings that cannot be seen are not in the map.
// Pure.
std::vector<std::string> redis_losses(const std::map<std::string, std::string>& settings,
                                      std::uint32_t replicas);

// A warning if entries were removed from the stream before a group of consumers read them: by what
// XINFO STREAM and XINFO GROUPS answer from Redis 7 on. Of a group that has read nothing yet it
// says what it cannot know. Pure.
std::vector<std::string> judge_groups(const std::string& stream, const RedisReply& about,
                                      const RedisReply& groups);

// Asks for both, and tells what they come to once all is answered. What Redis does not let us see
// is a warning.
void ask_for_promise(RedisConnection& connection, const RedisSettings& settings,
                     std::function<void(BrokerReport)> tell);

}  // namespace wxpush::sink
