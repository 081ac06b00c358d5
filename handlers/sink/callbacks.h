#pragma once
// What a handler is given, and handlers in C++, registered under a name, which is their identity:
// one that comes back under the same name goes on where it stopped. What programs see of them is
// include/wxpush/receiver.h.

#include "handlers/event/marks.h"
#include "handlers/event/message.h"
#include "handlers/queue/event_record.h"
#include "handlers/sink/outcome.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace wxpush::sink {

// One event on its way to one handler.
struct Delivery {
  queue::StoredEvent stored;  // id, event_id, app, order_key, body …
  event::Message message;     // what the body says
  event::Marks marks;         // stale, repeat_of: advice from the order's earlier events
  unsigned attempt = 1;
  unsigned replay = 0;  // how often somebody had it offered again after it was settled
};

// Delivered, or why not; throwing says "not now". At least once, and the events of one order in
// their order. Called on a thread of the handler's own; it may block, and then holds up only
// itself.
using EventCallback = std::function<Outcome(const Delivery&)>;

class Sink;

// A handler that a program registers, beside those of the settings.
struct CallbackHandler {
  std::string name;                 // [a-z][a-z0-9-]{0,31}, unique among all handlers
  std::vector<std::string> apps;    // names; empty = all
  std::vector<std::string> events;  // lower-case types, a trailing * allowed; empty = all
  bool from_oldest = false;  // on its first registration: also what is stored already (always, if
                             // the store is empty)
  std::string renamed_from;
  std::size_t concurrency =
      1;  // orders at once; 1: all events in the order stored, but for retries
  std::chrono::milliseconds retry_min{500};
  std::chrono::milliseconds retry_max{30'000};
  std::uint32_t max_attempts = 12;
  std::chrono::milliseconds give_up_after{std::chrono::hours{72}};
  bool hold_on_dead = false;
  std::function<std::unique_ptr<Sink>()> make_sink;  // at each start
};

using Callbacks = std::vector<CallbackHandler>;

}  // namespace wxpush::sink
