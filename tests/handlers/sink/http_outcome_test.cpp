#include "handlers/sink/http_outcome.h"

#include "handlers/sink/public_address.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::sink;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const WallTime noon{seconds(1'445'412'480)};  // Wed, 21 Oct 2015 07:28:00 GMT

Outcome outcome(unsigned status, std::string_view retry_after = {}) {
  return http_outcome(status, retry_after, {410, 422}, noon);
}

}  // namespace

TEST_CASE("2xx is delivered") {
  for (const unsigned status : {200U, 201U, 202U, 204U, 299U}) CHECK_FALSE(outcome(status));
}

TEST_CASE("an answer judges the event, or speaks of access, place or load") {
  for (const unsigned status : {400U, 402U, 405U, 409U, 413U, 415U, 499U}) {
    CAPTURE(status);
    REQUIRE(outcome(status));
    CHECK(outcome(status)->blame == Blame::event);
    CHECK_FALSE(outcome(status)->permanent);
  }
  for (const unsigned status : {301U, 401U, 403U, 404U, 408U, 429U, 500U, 503U, 599U}) {
    CAPTURE(status);
    REQUIRE(outcome(status));
    CHECK(outcome(status)->blame == Blame::handler);
    CHECK_FALSE(outcome(status)->permanent);
  }
  for (const unsigned status : {410U, 422U}) CHECK(outcome(status)->permanent);
  CHECK(outcome(503)->error == "HTTP 503");
}

TEST_CASE("Retry-After is seconds or a date; what is neither is ignored") {
  CHECK(outcome(503, "7")->retry_after == seconds(7));
  CHECK(outcome(503, "Wed, 21 Oct 2015 07:28:09 GMT")->retry_after == seconds(9));
  CHECK(outcome(503, "Wed, 21 Oct 2015 07:27:00 GMT")->retry_after == milliseconds(0));
  CHECK(outcome(503, "-1")->retry_after == milliseconds(0));
  for (const auto* text : {"", "soon", "7 s", "Wed, 21 Oct", "99999999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(outcome(503, text)->retry_after);
  }
}

TEST_CASE("public addresses are told from those of one's own network") {
  for (const auto* address : {"1.1.1.1", "8.8.8.8", "172.32.0.1", "2001:4860:4860::8888"}) {
    CAPTURE(address);
    CHECK(is_public_address(address));
  }
  for (const auto* address :
       {"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "localhost"}) {
    CAPTURE(address);
    CHECK_FALSE(is_public_address(address));
  }
}

TEST_CASE("an event is not to blame for a connection that was not made") {
  using Kind = HttpFailure::Kind;
  const auto blame = [](Kind kind) { return http_outcome(HttpFailure{kind, "why"})->blame; };
  CHECK(blame(Kind::unreachable) == Blame::place);
  for (const Kind kind : {Kind::broken, Kind::late, Kind::too_large}) {
    CHECK(blame(kind) == Blame::handler);
  }
  CHECK(http_outcome(HttpFailure{Kind::broken, "why"})->error == "why");
}
