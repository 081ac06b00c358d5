#pragma once
// Callbacks in C++, registered under a name, which is their identity: a callback that comes back
// under the same name goes on where it stopped.

#include "handlers/event/marks.h"
#include "handlers/event/message.h"
#include "handlers/queue/event_record.h"

#include <cstddef>
#include <functional>
#include <stdexcept>
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

// Thrown by a callback: this event will never be taken; it becomes a dead letter.
class Permanent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Returns when the event is done; throws to have it offered again later. At least once, and the
// events of one order in their order. Called on a thread of the handler's own; it may block, and
// then holds up only itself.
using EventCallback = std::function<void(const Delivery&)>;
using WaybillStatusCallback = std::function<void(const Delivery&, const event::WaybillStatus&)>;

struct CallbackHandler {
  std::string name;                 // [a-z][a-z0-9-]{0,31}, unique among all handlers
  std::vector<std::string> apps;    // names; empty = all
  std::vector<std::string> events;  // lower-case types, a trailing * allowed; empty = all
  bool from_oldest = false;  // on its first registration: also what is stored already (always, if
                             // the store is empty)
  EventCallback call;
  std::size_t concurrency =
      1;  // orders at once; 1: all events in the order stored, but for retries
};

class Callbacks {
 public:
  // Every event that the filter selects.
  Callbacks& on_event(std::string name, EventCallback callback,
                      std::vector<std::string> events = {});
  // Delivery-status events, as typed values; those that could not be read are skipped (they stay
  // stored).
  Callbacks& on_waybill_status(std::string name, WaybillStatusCallback callback);
  Callbacks& add(CallbackHandler handler);
  const std::vector<CallbackHandler>& all() const noexcept { return handlers_; }

 private:
  std::vector<CallbackHandler> handlers_;
};

}  // namespace wxpush::sink
