#include "handlers/sink/broker.h"

#include "handlers/base/url.h"
#include "handlers/queue/hashes.h"

namespace wxpush::sink {

std::string to_string(const BrokerHost& host) {
  return host.port == 0 ? host.host : host_and_port(host.host, host.port);
}

std::string to_string(const std::vector<BrokerHost>& hosts) {
  std::string text;
  for (const auto& host : hosts) text += (text.empty() ? "" : ",") + to_string(host);
  return text;
}

std::string partition_name(const std::string& base, std::uint32_t partitions,
                           std::uint32_t partition) {
  return partitions > 1 ? base + '.' + std::to_string(partition) : base;
}

std::string partition_key(const queue::StoredEvent& stored) {
  return stored.order_key.empty() ? event::to_string(stored.event_id) : stored.order_key;
}

std::uint32_t partition_of(const queue::StoredEvent& stored, std::uint32_t partitions) {
  const auto lane = static_cast<std::uint64_t>(queue::lane_of(stored.event_id, stored.order_key));
  return partitions == 0 ? 0 : static_cast<std::uint32_t>(lane % partitions);
}

}  // namespace wxpush::sink
