#pragma once
// What the handlers that hand events to a message broker have in common: whom to connect to, and
// what a message says (docs/queues.md).

#include "handlers/base/clock.h"
#include "handlers/sink/callbacks.h"
#include "handlers/sink/http_request.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace wxpush::sink {

struct BrokerHost {
  std::string host;  // a name or an address; of Redis also the path of a unix socket, port 0
  std::uint16_t port = 0;
};
std::string to_string(const BrokerHost& host);                // "[::1]:5672"
std::string to_string(const std::vector<BrokerHost>& hosts);  // with commas between them

struct BrokerAccess {
  std::vector<BrokerHost> hosts;                   // at least one
  bool tls = false;                                // the certificate and its name are verified
  std::filesystem::path ca_file;                   // empty: the system's authorities
  std::filesystem::path certificate, private_key;  // the client's own; empty: none
  std::string user, password;
  std::chrono::milliseconds timeout{5000};  // to connect, and for each confirmation
  std::vector<std::string> secrets;         // keys that sign each message; none: unsigned
};

// What keeps an order's events together: the order key, or, of an event without one, its event_id.
std::string partition_key(const queue::StoredEvent& stored);
// In [0, partitions), by that key alone; the same in every version (docs/queues.md, "Order").
std::uint32_t partition_of(const queue::StoredEvent& stored, std::uint32_t partitions);

// The queue or stream of a partition: `base`, or, where there are several, "base.0", "base.1", …
std::string partition_name(const std::string& base, std::uint32_t partitions,
                           std::uint32_t partition);

// What was found out about a broker before anything is handed to it.
struct BrokerReport {
  std::vector<std::string> good;      // what was seen to be so
  std::vector<std::string> warnings;  // what makes a confirmation worth less than it sounds
  std::vector<std::string> losses;    // "failure: what of the confirmed is lost", by what was seen
};

}  // namespace wxpush::sink
