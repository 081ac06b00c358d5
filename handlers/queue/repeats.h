#pragma once
// Known pushes that came again: how often each event was seen (in memory, bounded), and the newest
// of them in the table repeat, for people. They are written with whatever is committed next; losing
// them loses nothing. Owned by the writer thread.

#include "handlers/base/clock.h"
#include "handlers/queue/event_record.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace wxpush::queue {

constexpr std::uint64_t repeat_rows = 10'000;

class Repeats {
 public:
  explicit Repeats(Connection& connection);

  // How often this event was pushed until now, the first time included: counted since the start, at
  // least.
  std::uint32_t saw(RowId id, std::uint32_t pushes);
  void note(RowId id, const event::EventId& event_id, std::uint32_t seen, WallTime at,
            SteadyTime now);

  std::optional<SteadyTime> oldest() const;  // since when something waits to be written
  void write();                              // in a transaction
  void committed();

 private:
  Statement insert_, prune_;
  std::uint64_t next_sequence_;
  std::vector<Repeat> waiting_;  // the newest repeat_rows at most
  SteadyTime waiting_since_{};
  // Two halves: when the newer is full, the older is forgotten.
  std::unordered_map<RowId, std::uint32_t> newer_, older_;
};

}  // namespace wxpush::queue
