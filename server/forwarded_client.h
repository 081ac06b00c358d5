#pragma once
// Who a request is from, where a proxy stands before us.

#include "server/connection_limits.h"

#include <string>
#include <string_view>

namespace wxpush::server {

// The nearest address in X-Forwarded-For that is not a trusted proxy's; the peer itself if there is
// none. At most 64 characters, and only those of an address: it goes into the log.
std::string forwarded_client(const ConnectionLimits& limits, const Peer& peer,
                             std::string_view forwarded_for);

}  // namespace wxpush::server
