#include "handlers/base/thread_priority.h"

#include <doctest/doctest.h>

#include <thread>

TEST_CASE("a thread that gives way, and those that it starts, come after the others") {
  const int before = getpriority(PRIO_PROCESS, 0);
  int own = 0;
  int child = 0;
  std::thread([&] {
    wxpush::give_way_to_acknowledgements();
    own = getpriority(PRIO_PROCESS, 0);
    std::thread([&] { child = getpriority(PRIO_PROCESS, 0); }).join();
  }).join();
  CHECK((own > before || own == 19));
  CHECK(child == own);
  CHECK(getpriority(PRIO_PROCESS, 0) == before);
}

TEST_CASE("a thread that takes the processor from nobody goes on with its priority") {
  const int before = getpriority(PRIO_PROCESS, 0);
  const int policy_before = sched_getscheduler(0);
  int policy = -1;
  int own = -1;
  std::thread([&] {
    wxpush::take_no_processor_from_others();
    policy = sched_getscheduler(0);
    own = getpriority(PRIO_PROCESS, 0);
  }).join();
  CHECK(policy == SCHED_BATCH);
  CHECK(own == before);
  CHECK(sched_getscheduler(0) == policy_before);
}
