#pragma once
// Redis Streams: each event is an entry, added by one atomic script unless it was added before, and
// done when Redis answered. What that answer is worth depends on Redis' settings, which are looked
// at (redis.io, "Redis persistence"; docs/queues.md).

#include "handlers/sink/broker_link.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace wxpush::sink {

struct RedisSettings {
  BrokerAccess access;  // no TLS
  std::uint32_t database = 0;
  // The stream, or, with partitions, `stream`.0, `stream`.1, …, of which the order key chooses one.
  std::string stream;
  std::uint32_t partitions = 1;
  std::chrono::seconds seen_for{std::chrono::hours{24 * 7}};  // how long an event_id is known
  std::uint32_t replicas = 0;  // that must have it, too (WAIT), before it is done
};
std::string stream_name(const RedisSettings& settings, std::uint32_t partition);

// Connects, and finds out what can be known without adding anything: the rights, what Redis
// promises. Looks again every minute. Throws LinkError.
std::unique_ptr<BrokerLink> open_redis(const RedisSettings& settings, Clock& clock);
BrokerReport check_redis(const RedisSettings& settings, Clock& clock);

std::unique_ptr<Sink> make_redis_sink(RedisSettings settings, const std::string& handler,
                                      Clock& clock, Log& log);

}  // namespace wxpush::sink
