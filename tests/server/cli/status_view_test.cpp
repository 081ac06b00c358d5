#include "server/cli/status_view.h"

#include "server/cli/command.h"
#include "tests/server/cli/support.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace wxpush;
using namespace wxpush::cli;
using wxpush::cli::test::holds;

namespace {

constexpr WallTime now{std::chrono::seconds(1'700'000'000)};

constexpr const char* status =
    R"({"version":"0.1.0","pid":42,"started_at":"2023-11-14T21:13:20.000+00:00","ready":false,
  "not_ready":["below min_free"],"draining":true,
  "store":{"path":"/store","incarnation":"00c0ffee00c0ffee","restored_at":"2023-11-14T21:13:20.000+00:00","last_id":17,"waiting":3,"space":"low","failure":null,"store_bytes":1536,"free_bytes":1073741824,
           "wal_bytes":0,"quarantined":2,"checkpoint_pinned":true},
  "apps":[{"name":"shop","appid":"wx1","accepted":10,"duplicate":1,"forbidden":2,"quarantined":0,
           "last_accepted_at":"2023-11-14T22:12:20.000+00:00","keys":[]}],
  "handlers":[{"name":"log","type":"log","pending":4,"oldest_pending_at":null,"delivered":6,"failures":0,
               "last_error":"bad \u001b[31m"}],
  "certificate_not_after":null,"connections":5,"warnings":["the store is on overlayfs"]})";

}  // namespace

TEST_CASE("a status says whether, and why not, and how everything is") {
  std::ostringstream out;
  CHECK_FALSE(print_status(out, status, now));
  for (const char* part : {"0.1.0, process 42", "(1h ago)", "not ready", "below min_free",
                           "draining", "/store", "low", "00c0ffee00c0ffee, restored", "1.5 KiB",
                           "1.0 GiB", "a reader keeps", "overlayfs", "shop", "1m ago", "log"}) {
    CAPTURE(part);
    CHECK(holds(out.str(), part));
  }
  CHECK_FALSE(holds(out.str(), "\x1b"));
}

TEST_CASE("ready is what the server says") {
  std::ostringstream out;
  CHECK(print_status(out, R"({"ready":true})",
                     now));  // of another version: what is missing is no reason to fail
}

TEST_CASE("what is no status is said to be none") {
  std::ostringstream out;
  CHECK_THROWS_AS(print_status(out, "<html>", now), CommandError);
  CHECK_THROWS_AS(print_status(out, "[]", now), CommandError);
}
