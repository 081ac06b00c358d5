#pragma once
// The handler that posts events to a back end over HTTP.

#include "handlers/base/clock.h"
#include "handlers/sink/http_client.h"
#include "handlers/sink/sink.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace wxpush::sink {

struct HttpSettings {
  HttpPeer peer;
  std::vector<std::string> secrets;         // keys, decoded; none: unsigned
  Headers headers;                          // besides ours
  std::chrono::milliseconds timeout{5000};  // of a whole exchange, connecting included
  std::vector<unsigned> permanent{410, 422};
};

// One thread with its own io_context. An answer's body is read up to 64 KiB and thrown away. Throws
// std::runtime_error if the TLS files cannot be used.
std::unique_ptr<Sink> make_http_sink(HttpSettings settings, Clock& clock);

}  // namespace wxpush::sink
