#pragma once
// Pushes that no key opened when they came are tried again with the keys in force.

#include "handlers/base/log.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"
#include "server/apps.h"

#include <atomic>
#include <chrono>
#include <cstddef>

namespace wxpush::server {

struct QuarantineRetry {
  std::size_t opened = 0;     // became events (or were known already) and left the quarantine
  std::size_t remaining = 0;  // looked at, but not opened or not decided in time
};

// Works through the quarantine in pages; each event is stored and its entry removed in the same
// commit. What was handed to the queue before is looked at, too: it waits for its commit, then
// until all is decided, at most `deadline`; `stopping` ends it after the page at hand.
QuarantineRetry retry_quarantine(const AppTable& apps, queue::Reader& reader, queue::Queue& queue,
                                 Log& log, std::chrono::milliseconds deadline,
                                 const std::atomic<bool>& stopping);

}  // namespace wxpush::server
