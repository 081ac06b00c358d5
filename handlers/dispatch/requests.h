#pragma once
// What an operator asks of single events of a handler, and for which it can be done.

#include "handlers/queue/hashes.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::dispatch {

enum class Ask : std::uint8_t {
  requeue,  // offer a dead letter again
  discard,  // give a dead letter up
  replay,   // offer once more what was delivered, or is a dead letter
};

std::string_view to_string(Ask ask);

// Durable when it is told.
struct Granted {
  std::size_t done = 0;
  std::size_t passed_over = 0;  // no dead letter, waiting already, never asked for, or not stored
};

// The event's lane, if this can be done for it now. Reads the store: what it says is durable.
std::optional<queue::ShortHash> grantable(queue::Reader& reader, const std::string& handler,
                                          queue::RowId id, Ask ask);

// The same where no feed runs: makes the marks that one would make, and returns when they are
// durable. What is to be offered is passed over if the handler is no longer registered. Throws
// queue::StoreOpenError if the disk fails or has no room.
Granted grant_without_feed(queue::Queue& queue, queue::Reader& reader,
                           const queue::HandlerRecord& handler, Ask ask,
                           const std::vector<queue::RowId>& ids);

}  // namespace wxpush::dispatch
