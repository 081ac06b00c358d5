#pragma once
// Pushes whose acknowledgement waits until a handler has their event (`ack_after`), and what is
// known of that.

#include "handlers/queue/queue.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace wxpush::server {

// Thread-safe. Callbacks are called on whichever thread brings the news, and must be short.
class Confirmations {
 public:
  using Decided = std::function<void(bool confirmed)>;
  // Finds out whether the handler is done with an event that was stored before, and calls settled()
  // if it is.
  using LookUp = std::function<void(const std::string& handler, queue::RowId id)>;
  struct Ticket {
    std::string handler;
    queue::RowId id = 0;
    std::uint64_t number = 0;  // 0: was decided at once
  };

  explicit Confirmations(LookUp look_up) : look_up_(std::move(look_up)) {}

  // The handlers that acknowledgements wait for, and the events that each asks for (empty: all).
  // Whoever waits for one that is no longer among them waits in vain.
  void watch(std::map<std::string, std::vector<std::string>> handlers);

  // The event was stored, or found stored. Whoever waits no longer says so by forget().
  Ticket wait(const std::string& handler, const std::string& type, const queue::Appended& appended,
              Decided decided);
  void forget(const Ticket& ticket);

  // `done`: the handler's broker has the event; else it never will: it is a dead letter. Costs a
  // look at a flag where no acknowledgement waits for anything.
  void settled(const std::string& handler, queue::RowId id, bool done);

 private:
  struct Watched {
    std::vector<std::string> events;
    std::map<queue::RowId, std::map<std::uint64_t, Decided>> waiting;
    // What was done lately: before the one who asks for it, or not yet to be found in the store.
    std::unordered_set<queue::RowId> recent;
    std::deque<queue::RowId> recent_order;

    void note_done(queue::RowId id);
  };

  const LookUp look_up_;
  std::atomic<bool> any_{false};  // whether watched_ holds any
  std::mutex mutex_;
  std::map<std::string, Watched> watched_;
  std::uint64_t last_ = 0;
};

}  // namespace wxpush::server
