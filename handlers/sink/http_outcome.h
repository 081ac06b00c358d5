#pragma once
// What a back end's answer means. Pure.

#include "handlers/base/clock.h"
#include "handlers/sink/http_client.h"
#include "handlers/sink/outcome.h"

#include <string_view>
#include <vector>

namespace wxpush::sink {

// 2xx: delivered. `permanent`: never again. Another 4xx judges the event, except for those that
// speak of access, place or load (401, 403, 404, 408, 429). Everything else is the handler's
// trouble, a redirect included: an event goes where the settings say and nowhere else.
// `retry_after` as sent.
Outcome http_outcome(unsigned status, std::string_view retry_after,
                     const std::vector<unsigned>& permanent, WallTime now);

// No answer. The event may be to blame for one that broke off or was late, though not for a
// connection that never was: the back end has not seen it.
Outcome http_outcome(const HttpFailure& failure);

}  // namespace wxpush::sink
