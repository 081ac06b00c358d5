// [orders]: limits for silent orders, and mistakes in them.
#include "handlers/event/waybill_status.h"
#include "tests/config/mistakes.h"
#include "tests/config/scratch.h"

using namespace wxpush::config::test;
using namespace std::chrono_literals;

namespace {

const std::string allowed =
    "is no status after which a push has to come; those are 101, 102, 201, 202, 301, 303, 304, 305 "
    "(docs/events.md)";

}  // namespace

TEST_CASE("no order is watched by default") {
  const Scratch scratch;
  CHECK(scratch.settings(minimal).orders.silent_after.empty());
}

TEST_CASE("limits are read by status") {
  const Scratch scratch;
  const auto settings = scratch.settings(
      minimal + "[orders]\nsilent_after = { 101 = \"10m\", 301 = \"1h\", 102 = \"1s\" }\n");
  CHECK(settings.orders.silent_after ==
        std::map<int, wxpush::config::Milliseconds>{{101, 10min}, {102, 1s}, {301, 1h}});
}

TEST_CASE("a limit may stand for exactly those known statuses that are not final") {
  for (const auto& status : wxpush::event::order_statuses()) {
    const Scratch scratch;
    const std::string document =
        minimal + "[orders]\nsilent_after = { " + std::to_string(status.code) + " = \"10m\" }\n";
    CAPTURE(status.code);
    if (status.terminal) {
      CHECK(scratch.problems(document).size() == 1);
    } else {
      CHECK(scratch.settings(document).orders.silent_after.size() == 1);
    }
  }
}

TEST_CASE("mistakes in [orders]") {
  check({
      {"[orders]\nsilent_after = \"10m\"",
       {"4: orders.silent_after: is text; it must be a table of durations by order_status, such as "
        "{ 101 = \"10m\" }"}},
      {"[orders]\nsilent_after = { 302 = \"10m\", 999 = \"1m\", 0101 = \"1m\", none = \"1m\" }",
       {"4: orders.silent_after.0101: " + allowed, "4: orders.silent_after.302: " + allowed,
        "4: orders.silent_after.999: " + allowed, "4: orders.silent_after.none: " + allowed}},
      {"[orders.silent_after]\n101 = \"999ms\"\n102 = \"8d\"\n201 = \"soon\"\n202 = 7\n301 = "
       "\"1500ms\"",
       {"4: orders.silent_after.101: \"999ms\" is out of range; it must be from 1s to 7d",
        "5: orders.silent_after.102: \"8d\" is out of range; it must be from 1s to 7d",
        "6: orders.silent_after.201: \"soon\"" + no_duration,
        "7: orders.silent_after.202: is an integer; it must be a duration with a unit, such as "
        "\"5s\"",
        "8: orders.silent_after.301: must be whole seconds, such as \"90s\""}},
      {"[orders]\nsilent_after = { 101 = \"2d\" }",
       {"4: orders.silent_after.101: is longer than store.min_retention, \"1d\": the event that it "
        "hangs on might be gone by then; raise that, or lower this"}},
      {"[orders]\nsilent = {}", {"4: orders.silent: unknown key; known here are silent_after"}},
  });
}
