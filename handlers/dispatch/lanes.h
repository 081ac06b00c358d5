#pragma once
// One handler's way through the queue, as a state machine without threads, time or disk: what may
// be offered now, what happened to it, and what the writer has to make durable. Different lanes go
// side by side, a lane goes in order: an event is offered only after every earlier one of its lane
// was delivered or became a dead letter. Memory is bounded whatever the backlog.
//
// One thread's own. Events are read in rising order of id; what is read past behind a lane that
// waits is parked on the disk and read again from there.

#include "handlers/dispatch/breaker.h"
#include "handlers/dispatch/retry_policy.h"
#include "handlers/queue/lane_marks.h"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace wxpush::dispatch {

struct LaneSettings {
  std::size_t concurrency = 16;  // events offered at once
  bool hold_on_dead = false;     // a dead letter stops its lane
  RetrySettings retry;
  // Bounds of memory. A lane that has more in memory than lane_items is parked from there on.
  std::size_t open = 2048;          // events read and neither settled nor listed
  std::size_t window = 65'536;      // events between the first of those and the newest read
  std::size_t unconfirmed = 512;    // attempts in flight and changes that are not durable yet
  std::size_t lane_items = 64;      // of one lane, in memory
  std::size_t waiting_items = 8;    // of one lane that waits
  std::size_t loaded_lanes = 128;   // whose parked events were read back
  std::size_t max_lanes = 100'000;  // at once
  std::uint64_t max_parked = 1'000'000;
  std::uint32_t breaker_threshold = 16;  // failures in a row
  // Marks count on from here. Of two feeds of one handler, one after the other, the later one
  // begins higher, so that it takes what is told of the former's marks for none of its own.
  std::uint64_t first_sequence = 0;
};

// One event to be offered now.
struct Offer {
  queue::RowId id = 0;
  std::uint32_t attempt = 1;
};

class Lanes {
 public:
  // `wall` and `now` at the same moment. Due times of retries are taken as at most retry_max ahead,
  // whatever the wall clock did.
  Lanes(const LaneSettings& settings, const queue::LaneState& found, WallTime wall, SteadyTime now);

  // Reading on: whether there is room for more, and up to where all was read. Tell what the handler
  // asked for, in rising order, and how far the reading came.
  bool wants_events() const;
  bool has_room() const;  // for more changes, before those told are durable
  // Whether requeue() and discard() may be called. Not while what a crash left behind is read
  // again: a dead letter may have earlier ones of its lane among it.
  bool takes_requests() const { return has_room() && !stalled() && !catching_up(); }
  queue::RowId read_through() const noexcept { return read_through_; }
  void read(queue::RowId id, queue::ShortHash lane);
  void read_on_to(queue::RowId id);

  // Offering.
  std::optional<Offer> next(SteadyTime now);
  void delivered(queue::RowId id);
  // It is settled without the handler having been asked, which says nothing about the handler.
  void passed_over(queue::RowId id);
  // Answers what was decided, for those who tell about it. `random` in [0, 1).
  Decision failed(queue::RowId id, const Failure& failure, WallTime wall, SteadyTime now,
                  double random);
  // When next() may have something without another call before; max: never.
  SteadyTime wake_at() const;

  // Parked events to be read back: of this lane, above this id, at most this many.
  struct Wanted {
    queue::ShortHash lane = 0;
    queue::RowId after = 0;
    std::size_t limit = 0;
  };
  std::optional<Wanted> wants_parked() const;
  void unpark(const Wanted& wanted, const std::vector<queue::RowId>& ids);

  // A dead letter, or (a `replay`) an event that was settled, is to be offered again: in the order
  // of its lane, ahead of everything there that was not offered yet. False: it waits already.
  bool requeue(queue::RowId id, queue::ShortHash lane, bool replay = false);
  // A dead letter that nobody wants back; one that stopped its lane stops it no longer.
  void discard(queue::RowId id, queue::ShortHash lane);
  // Dead letters that stop their lanes: whether one is there, and that it is gone from the store.
  bool stops(queue::RowId id) const;
  void erased(queue::RowId id);
  // Makes dead letters of what is in memory, up to this id, in lanes of which nothing is being
  // offered; as many as there is room for, so that a call may leave some to the next. Answers
  // which.
  std::vector<queue::RowId> give_up(queue::RowId through, const std::string& error);

  // What changed since the last call; nothing: no changes and the same cursor.
  std::optional<queue::LaneMarks> take_marks();
  void committed(std::uint64_t sequence);

  queue::RowId cursor() const;
  // The marks taken last: once committed() has heard of them, everything told before is durable.
  std::uint64_t sequence() const noexcept { return sequence_; }
  std::uint64_t durable() const noexcept { return committed_; }
  std::size_t in_flight() const noexcept { return in_flight_.size(); }
  std::size_t lanes() const noexcept { return lanes_.size(); }
  std::uint64_t parked() const noexcept { return parked_; }
  bool stalled() const;  // a bound keeps it from reading on, though others could go
  Breaker::State breaker() const noexcept { return breaker_.state(); }

 private:
  struct Item {
    queue::RowId id = 0;
    bool listed = false;  // it has a row, or will have with the next marks: the cursor may pass it
    std::uint32_t attempts = 0, counted = 0;
    std::chrono::milliseconds tried_for{};
    SteadyTime tried_at{};        // of the last attempt of this process
    std::uint64_t well_before{};  // what was delivered when it was last tried
  };
  struct Lane {
    // The next ones. The first is the head; once offered it stays the head. The others rise. Most
    // lanes have one: a deque would take ten times as much.
    std::vector<Item> items;
    bool more_parked = false;        // more lie on the disk, all above `last`
    queue::RowId last = 0;           // all parked ones up to here are, or were, in `items`
    std::uint64_t parked_with = 0;   // the marks that list the newest of those on the disk
    SteadyTime due{};                // while waiting
    bool waiting = false;            // it stands in waiting_
    bool ready = false;              // it stands in ready_
    bool loading = false;            // it stands in to_load_
    bool loaded = false;             // its items were read back: counts as one of loaded_
    bool busy = false;               // its head is being offered
    std::vector<queue::RowId> dead;  // its dead letters, where those hold it
    bool held() const noexcept { return !dead.empty(); }
  };
  struct Open {  // read, and neither settled nor listed
    queue::RowId id;
    bool closed;
  };

  Lane& land(queue::RowId id, queue::ShortHash& key);
  void make_ready(queue::ShortHash key, Lane& lane);
  void wait(queue::ShortHash key, Lane& lane, SteadyTime due);
  void stop_waiting(queue::ShortHash key, Lane& lane);
  void go_on(queue::ShortHash key, Lane& lane);
  void park(queue::ShortHash key, Lane& lane, Item& item);
  void settle(queue::ShortHash key, Lane& lane);
  void judge_handler(Blame blame, SteadyTime now, double random);
  void bound(queue::ShortHash key, Lane& lane, std::size_t keep);
  void bury(queue::ShortHash key, const Item& item, const std::string& error);
  void hold(queue::ShortHash key, Lane& lane, queue::RowId id);
  void give_up_in(queue::ShortHash key, Lane& lane, queue::RowId through, const std::string& error,
                  std::vector<queue::RowId>& given_up);
  void unload(Lane& lane);
  void list(Item& item);
  bool failed_before(const Lane& lane) const;
  bool full() const;
  bool catching_up() const noexcept { return read_through_ < catch_up_; }
  void close(queue::RowId id);
  void change(queue::ShortHash key, const Item& item, queue::EventPlace place, bool listed_before,
              WallTime due = {}, std::string error = {}, bool replay = false);
  void wake_all();

  const LaneSettings settings_;
  Breaker breaker_;
  std::unordered_map<queue::ShortHash, Lane> lanes_;
  std::deque<queue::ShortHash> ready_;  // first come, first served; each lane once
  std::set<std::pair<SteadyTime, queue::ShortHash>> waiting_;
  std::deque<queue::ShortHash> to_load_;  // lanes whose parked events are wanted
  std::map<queue::RowId, queue::ShortHash> in_flight_;
  std::deque<Open> window_;        // rising
  std::set<queue::RowId> passed_;  // found above the cursor, not to be read again
  queue::RowId read_through_ = 0;
  queue::RowId catch_up_ = 0;  // what was listed before a crash ends here
  queue::RowId told_cursor_ = 0;
  std::size_t open_ = 0, loaded_ = 0;
  std::uint64_t parked_ = 0;
  std::uint64_t well_ = 0;  // deliveries so far
  std::vector<queue::LaneChange> changes_;
  std::uint64_t sequence_, committed_;
  std::deque<std::pair<std::uint64_t, std::size_t>> taken_;  // marks that are not durable yet
  std::size_t taken_changes_ = 0;
};

}  // namespace wxpush::dispatch
