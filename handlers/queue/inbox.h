#pragma once
// Where callers of any thread leave work for the writer thread, and where the same event pushed
// twice at once becomes one. Bounded by the number of waiting pushes and by their bytes; what is
// over is refused at once. Where several apps push, none may hold more than half of either, so that
// one of them, flooded, leaves room for the others.
//
// An entry is in flight from append() until the writer calls finish() for it: held events and a
// batch being committed included.

#include "handlers/base/clock.h"
#include "handlers/queue/queue.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace wxpush::queue {

class Inbox {
 public:
  struct Entry {
    NewEvent event;  // the writer's after take()
    std::size_t bytes = 0;
    std::vector<AppendCallback> waiters;  // the inbox's until finish()
    SteadyTime arrived{};                 // append() took it
  };
  using EntryPtr = std::unique_ptr<Entry>;
  using Marks = std::map<std::uint32_t, std::vector<LaneMarks>>;  // by handler number
  // What somebody wants done by the owner of the store, between two batches. Told whether all marks
  // that were made before are durable.
  using Command = std::packaged_task<void(bool marks_are_durable)>;

  struct Taken {
    std::vector<EntryPtr> arrived;
    Marks marks;
    std::size_t mark_changes = 0;
    std::vector<QuarantinedPush> quarantined;
    std::vector<std::uint64_t> quarantine_removals;
    std::uint64_t quarantine_dropped = 0;
    std::map<std::string, std::string> facts;
    std::vector<Command> commands;
    bool more = false;  // events that there was no room for
    bool stopping = false;
  };

  Inbox(Clock& clock, std::uint64_t max_pushes, std::uint64_t max_bytes)
      : clock_(clock), max_pushes_(max_pushes), max_bytes_(max_bytes) {}

  // Any thread. Calls `done` itself if a push is refused.
  void append(std::vector<Arrival> arrivals);
  void mark(std::uint32_t handler, LaneMarks marks);
  void quarantine(QuarantinedPush push);
  void remove_quarantined(const std::vector<std::uint64_t>& ids);
  void remember(std::string name, std::string value);  // taken when the writer looks next
  // Run soon on the writer thread; its future breaks its promise if the writer ends before.
  void run(Command command);
  void stop();                     // nothing is taken in any more; the writer finishes
  void close(QueueError because);  // the same, and what comes later is answered so
  std::uint64_t waiting() const;
  bool full() const;
  // Wakes the writer and waits until it has nothing left to do at the clock's time (or has ended).
  // For tests.
  void wait_until_idle();

  // So many changes of lanes are worth a commit of their own.
  static constexpr std::size_t many_changes = 64;
  // The writer thread. Waits until events arrived, other work did and `lazy_at` came, `wake_at`
  // came, or it is to stop. Takes at most `room` events, and all the rest.
  Taken take(std::size_t room, SteadyTime wake_at, SteadyTime lazy_at);
  // Ends the flight of these: answers who waits for each, in the same order.
  std::vector<std::vector<AppendCallback>> finish(const std::vector<EntryPtr>& entries);
  void ended();  // the writer will not come back

 private:
  struct Share {
    std::uint64_t pushes = 0, bytes = 0;
  };
  bool has_room(const Share& share, std::size_t bytes) const;
  std::optional<QueueError> take_in(Arrival& arrival, SteadyTime now);
  bool lazy_work() const;
  bool has_work(std::size_t room, SteadyTime lazy_at) const;
  void wake_if_first(bool was_waiting);
  bool sleep_until(std::unique_lock<std::mutex>& lock, SteadyTime wake_at);
  void wake() {
    if (sleeping_) work_.notify_one();
  }

  Clock& clock_;
  const std::uint64_t max_pushes_, max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable work_, idle_;
  boost::unordered_flat_map<event::EventId, Entry*, event::EventIdHash> in_flight_;
  std::deque<EntryPtr> arrived_;
  Taken next_;  // all but the events
  std::uint64_t pushes_ = 0, bytes_ = 0, quarantine_bytes_ = 0;
  std::map<std::string, Share> shares_;  // by app; of all that ever pushed
  std::optional<QueueError> closed_;
  bool sleeping_ = false;
  bool ended_ = false;
  std::uint64_t idle_wanted_ = 0, idle_seen_ = 0, idle_reached_ = 0;
};

}  // namespace wxpush::queue
