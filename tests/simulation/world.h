#pragma once
// A world for one handler's lanes: events that arrive, a disk that keeps what was committed, a
// handler with moods, crashes, and a clock that steps. Everything follows from the seed. What must
// never happen ends the run with a Violation.

#include "handlers/dispatch/lanes.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace wxpush::simulation {

class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What the writer does with marks, and what a start reads.
class Disk {
 public:
  void apply(const queue::LaneMarks& marks);
  queue::LaneState load(bool hold_on_dead) const;
  std::vector<queue::RowId> parked(queue::ShortHash lane, queue::RowId after,
                                   std::size_t limit) const;
  bool settled(queue::RowId id) const;
  const std::map<queue::RowId, queue::LaneChange>& dead() const { return dead_; }
  queue::RowId cursor() const { return cursor_; }

 private:
  queue::RowId cursor_ = 0;
  std::set<queue::RowId> settled_;  // above the cursor
  std::set<queue::RowId> seen_;     // whatever was ever told of
  std::map<queue::RowId, queue::LaneChange> retry_, dead_;
  std::map<queue::ShortHash, std::set<queue::RowId>> parked_;
};

class World {
 public:
  explicit World(std::uint64_t seed);
  void run();

 private:
  enum class Mood { well, flaky, down };
  enum class Fate { healthy, poisoned, forbidden };  // of an event: judged badly, or a 5xx for ever
  struct Event {
    queue::ShortHash lane = 0;
    bool wanted = true;  // the handler asked for it
    Fate fate = Fate::healthy;
    std::uint64_t delivered = 0;
    bool given_up = false;          // it was a dead letter once: its lane need not wait for it
    bool replaying = false;         // somebody wants it once more
    bool dead = false;              // a dead letter now
    std::uint64_t well_before = 0;  // deliveries when it was last tried
    std::int64_t failing_since = 0;
  };

  bool chance(double probability);
  std::uint64_t below(std::uint64_t bound);
  double uniform();
  SteadyTime now() const { return SteadyTime(std::chrono::milliseconds(steady_)); }
  WallTime wall() const { return WallTime(std::chrono::milliseconds(wall_)); }
  void pass(std::chrono::milliseconds time);

  void step();
  void arrive();
  void read();
  void unpark();
  void offer();
  void answer();
  void take_marks();
  void commit();
  void crash();
  bool is_told(queue::RowId id) const;
  void requeue();
  void replay();
  void expire();
  void give_up();
  void drain();

  void check_offer(queue::RowId id);
  void check_bounds() const;
  void check_end();
  [[noreturn]] void fail(const std::string& what) const;
  Event& event(queue::RowId id) { return events_.at(id - 1); }

  std::uint64_t seed_;
  std::mt19937_64 random_;
  dispatch::LaneSettings settings_;
  Disk disk_;
  std::unique_ptr<dispatch::Lanes> lanes_;
  std::deque<queue::LaneMarks> uncommitted_;
  std::vector<Event> events_;  // id - 1
  std::vector<queue::RowId> flying_;
  Mood mood_ = Mood::well;
  std::int64_t steady_ = 1'000'000, wall_ = 1'800'000'000'000;
  std::uint64_t well_ = 0;  // deliveries
  std::uint64_t steps_ = 0, repeats_allowed_ = 0, repeats_ = 0;
  bool calm_ = false;  // the end: nothing arrives, nothing crashes, the handler is well
};

}  // namespace wxpush::simulation
