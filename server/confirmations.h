#pragma once
// Pushes whose acknowledgement waits until a handler has their event (`ack_after`), and what is
// known of that.

#include "handlers/queue/queue.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
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
  using Ticket = std::uint64_t;

  explicit Confirmations(LookUp look_up) : look_up_(std::move(look_up)) {}

  // The handlers that acknowledgements wait for, and the events that each asks for (empty: all).
  void watch(std::map<std::string, std::vector<std::string>> handlers);

  // The event was stored, or found stored. Whoever waits no longer says so by forget().
  Ticket wait(const std::string& handler, const std::string& type, const queue::Appended& appended,
              Decided decided);
  void forget(Ticket ticket);

  // `done`: the handler's broker has the event; else it never will: it is a dead letter.
  void settled(const std::string& handler, queue::RowId id, bool done);

 private:
  using Key = std::pair<std::string, queue::RowId>;

  const LookUp look_up_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> watched_;
  std::map<Key, std::map<Ticket, Decided>> waiting_;
  std::map<Ticket, Key> keys_;  // of those waiting
  // What was done lately: faster than the one who asks for it, or not yet to be found in the store.
  std::set<Key> recent_;
  std::deque<Key> recent_order_;
  Ticket last_ = 0;
};

}  // namespace wxpush::server
