#pragma once
// Which work waits for which.

#include <sched.h>
#include <sys/resource.h>

namespace wxpush {

// For threads that deliver, and those that answer operators. Somebody waits for an acknowledgement,
// and nobody for a delivery (but for those that ask for ack_after = "broker") or for a count of a
// long backlog: on a machine that has no processor to spare, acknowledgements go first. It is a
// matter of who goes first alone: what no one else uses is theirs. (On Linux a nice value is one
// thread's: setpriority(2), "C library/kernel differences"; threads that this one starts inherit
// it.)
inline void give_way_to_acknowledgements() noexcept {
  constexpr int by = 5;  // a third of the processor where both want all of it
  constexpr int least = 19;
  const int now = getpriority(PRIO_PROCESS, 0);
  setpriority(PRIO_PROCESS, 0, now + by > least ? least : now + by);  // always allowed
}

// For a thread whose work can wait until who has the processor lets go of it, or has had it for
// some milliseconds: so that what comes meanwhile is done with one change of threads. (On Linux the
// policy, too, is one thread's: sched(7).)
inline void take_no_processor_from_others() noexcept {
  const sched_param none{};
  sched_setscheduler(0, SCHED_BATCH, &none);  // always allowed
}

// A thread that gives way, between two events: who waits for the processor has it now, not when the
// system next looks at who has had it for long, which are milliseconds.
inline void let_acknowledgements_pass() noexcept {
  sched_yield();
}

}  // namespace wxpush
