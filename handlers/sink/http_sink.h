#pragma once
// The handler that posts events to a back end over HTTP.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/base/url.h"
#include "handlers/sink/http_request.h"
#include "handlers/sink/sink.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace wxpush::sink {

struct HttpSettings {
  Url url;
  std::vector<std::string> secrets;                // keys, decoded; none: unsigned
  Headers headers;                                 // besides ours
  std::chrono::milliseconds timeout{5000};         // of a whole exchange, connecting included
  std::filesystem::path ca_file;                   // empty: the system's authorities
  std::filesystem::path certificate, private_key;  // the client's own; empty: none
  bool allow_private = true;  // may the name resolve to an address that is not public?
  std::vector<unsigned> permanent{410, 422};
  std::size_t connections = 16;  // kept open
};

// One thread with its own io_context. Connections are kept and used again, for at most a minute
// each, so that a change of the name's address is followed; an answer's body is read up to 64 KiB
// and thrown away. Throws std::runtime_error if the TLS files cannot be used.
std::unique_ptr<Sink> make_http_sink(HttpSettings settings, Clock& clock);

// Loopback, private, link-local, unique local, multicast, unspecified and the like: not reachable
// as a public address. IPv4 in IPv6 counts as what it is.
bool is_public_address(const std::string& address);

}  // namespace wxpush::sink
