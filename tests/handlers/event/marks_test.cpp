#include "handlers/event/marks.h"

#include <doctest/doctest.h>

#include <vector>

using wxpush::event::marks_of;
using wxpush::event::StatusRecord;

namespace {

StatusRecord record(std::uint64_t id, int order_status, std::int64_t action_time,
                    const char* waybill = "w1") {
  StatusRecord made;
  made.id = id;
  made.status.order_status = order_status;
  made.status.action_time = action_time;
  made.status.waybill_id = waybill;
  made.business_key =
      std::string(waybill) + "/" + std::to_string(order_status) + "/" + std::to_string(action_time);
  return made;
}

}  // namespace

TEST_CASE("the first event of an order has no marks") {
  const auto marks = marks_of({}, record(1, 101, 100));
  CHECK_FALSE(marks.stale);
  CHECK(marks.repeat_of == 0);
}

TEST_CASE("an event whose action_time lies before a stored one came late") {
  const std::vector earlier{record(1, 101, 100), record(2, 302, 300)};
  CHECK(marks_of(earlier, record(3, 202, 200)).stale);
  CHECK_FALSE(marks_of(earlier, record(3, 202, 400)).stale);
}

TEST_CASE("at the same action_time the later phase is further on") {
  const std::vector earlier{record(1, 301, 100)};
  CHECK(marks_of(earlier, record(2, 202, 100)).stale);
  CHECK_FALSE(marks_of(earlier, record(2, 302, 100)).stale);
  CHECK_FALSE(marks_of(earlier, record(2, 777, 100)).stale);  // an unknown status is not judged
}

TEST_CASE("without an action_time there is nothing to compare") {
  CHECK_FALSE(marks_of(std::vector{record(1, 302, 0)}, record(2, 101, 50)).stale);
  CHECK_FALSE(marks_of(std::vector{record(1, 302, 100)}, record(2, 101, 0)).stale);
}

TEST_CASE("a time in milliseconds is none: it makes nothing stale, and is not stale") {
  constexpr std::int64_t in_milliseconds = 1700000000000;
  CHECK_FALSE(
      marks_of(std::vector{record(1, 101, in_milliseconds)}, record(2, 302, 1700000900)).stale);
  CHECK_FALSE(marks_of(std::vector{record(1, 101, 1700000900)}, record(2, 302, -5)).stale);
  CHECK_FALSE(
      marks_of(std::vector{record(1, 101, in_milliseconds + 1)}, record(2, 302, in_milliseconds))
          .stale);
}

TEST_CASE("a re-order reuses the order's id under a new waybill: it is judged on its own") {
  const std::vector earlier{record(1, 502, 900, "w1")};
  CHECK_FALSE(marks_of(earlier, record(2, 101, 100, "w2")).stale);
}

TEST_CASE("the same fact in other bytes is a repeat of the first that said it") {
  const std::vector earlier{record(4, 102, 100), record(5, 102, 100)};
  CHECK(marks_of(earlier, record(6, 102, 100)).repeat_of == 4);
  CHECK(marks_of(earlier, record(6, 102, 101)).repeat_of == 0);
}

TEST_CASE("events without a business key are repeats of nothing") {
  StatusRecord first = record(1, 102, 0);
  StatusRecord second = record(2, 102, 0);
  first.business_key.clear();
  second.business_key.clear();
  CHECK(marks_of(std::vector{first}, second).repeat_of == 0);
}
