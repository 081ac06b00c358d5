#pragma once
// What a back end is sent for an event (docs/handlers.md): the message as it came, and about it, in
// headers, CloudEvents 1.0 (binary mode) and Standard Webhooks. Pure: no socket, no clock.

#include "handlers/base/clock.h"
#include "handlers/sink/callbacks.h"

#include <string>
#include <utility>
#include <vector>

namespace wxpush::sink {

using Headers = std::vector<std::pair<std::string, std::string>>;

// `secrets` are the keys themselves (decoded); all of them sign, so that they can be changed
// without a gap. `now` is the attempt's time.
Headers http_headers(const Delivery& delivery, const std::vector<std::string>& secrets,
                     WallTime now);

}  // namespace wxpush::sink
