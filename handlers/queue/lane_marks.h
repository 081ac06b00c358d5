#pragma once
// A handler's place in the queue: what the dispatcher tells the writer after every step, and what a
// start reads back. A lane is the events of one order key on their way to one handler
// (docs/store.md, "Lanes").

#include "handlers/queue/event_record.h"
#include "handlers/queue/hashes.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::queue {

enum class EventPlace : std::uint8_t {
  settled,    // delivered
  retry,      // failed; to be offered again when due
  parked,     // read past, behind an earlier one of its lane
  dead,       // a dead letter
  discarded,  // a dead letter that nobody wants back
};

// Where one event is now, for one handler.
struct LaneChange {
  RowId id = 0;
  ShortHash lane = 0;
  EventPlace place = EventPlace::settled;
  bool listed_before = false;  // it had a row: as settled, retry, parked or dead
  bool replay = false;         // parked because somebody wants it once more; counted
  std::uint32_t attempts = 0;
  std::uint32_t counted = 0;              // of these, against the event
  std::chrono::milliseconds tried_for{};  // since its first failure, while a process ran
  WallTime due{};                         // of a retry
  std::string error;                      // of the last attempt
};

// Applied whole, in one commit.
struct LaneMarks {
  std::uint64_t sequence = 0;  // rises; told back when it is durable
  RowId cursor = 0;            // every event up to here is settled or listed
  std::vector<LaneChange> changes;
};

// What a start finds.
struct ListedEvent {
  RowId id = 0;
  ShortHash lane = 0;
  std::uint32_t attempts = 0, counted = 0;
  std::chrono::milliseconds tried_for{};
  WallTime due{};
};
struct LaneState {
  RowId cursor = 0;
  std::vector<RowId> passed;            // ids above the cursor that are settled or listed, rising
  std::vector<ListedEvent> retries;     // rising by id
  std::vector<ShortHash> parked_lanes;  // those with parked events
  std::vector<std::pair<ShortHash, RowId>>
      held_lanes;            // and by which dead letters, where those stop
  std::uint64_t parked = 0;  // events
};

}  // namespace wxpush::queue
