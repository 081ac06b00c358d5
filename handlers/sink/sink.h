#pragma once
// Where a handler's events go. The dispatcher decides what is offered and when; a sink carries it
// out.

#include "handlers/sink/callbacks.h"
#include "handlers/sink/outcome.h"

#include <chrono>
#include <cstddef>
#include <memory>

namespace wxpush::sink {

class Sink {
 public:
  virtual ~Sink() = default;
  // Begins one attempt and returns. `done` is called exactly once, from any thread (or never, if
  // the sink was stopped before), and may be called before this returns.
  virtual void offer(std::shared_ptr<const Delivery> delivery, Done done) = 0;
  // Begins no further attempt, begins to let go of those under way, and returns at once: a stop()
  // that follows waits no longer for many sinks than for one. Idempotent.
  virtual void cut_off() = 0;
  // Begins no further attempt, waits until the deadline for those under way, and lets go of the
  // rest; answers how many those were. Idempotent.
  virtual std::size_t stop(std::chrono::milliseconds deadline) = 0;
};

// Calls a callback on `threads` threads of its own.
std::unique_ptr<Sink> make_callback_sink(EventCallback callback, std::size_t threads);

}  // namespace wxpush::sink
