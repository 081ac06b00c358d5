#pragma once
// Which work waits for which.

#include <sys/resource.h>

namespace wxpush {

// For threads that deliver. Somebody waits for an acknowledgement, and nobody for a delivery: while
// a backlog rushes out on a machine that has no processor to spare, acknowledgements go first. It
// is a matter of who goes first alone: what no one else uses is theirs. (On Linux a nice value is
// one thread's: setpriority(2), "C library/kernel differences"; threads that this one starts
// inherit it.)
inline void give_way_to_acknowledgements() noexcept {
  constexpr int by = 5;  // a third of the processor where both want all of it
  constexpr int least = 19;
  const int now = getpriority(PRIO_PROCESS, 0);
  setpriority(PRIO_PROCESS, 0, now + by > least ? least : now + by);  // always allowed
}

}  // namespace wxpush
