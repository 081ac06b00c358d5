#include "handlers/dispatch/retry_policy.h"

#include "handlers/dispatch/breaker.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::dispatch;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

const RetrySettings settings;

Failure by(Blame blame) {
  Failure failure;
  failure.blame = blame;
  failure.error = "it said no";
  return failure;
}

}  // namespace

TEST_CASE("retries back off exponentially, jittered over the whole range, up to a bound") {
  CHECK(retry_delay(settings, 1, 1.0) == milliseconds(500));
  CHECK(retry_delay(settings, 2, 1.0) == milliseconds(1000));
  CHECK(retry_delay(settings, 3, 0.5) == milliseconds(1000));
  CHECK(retry_delay(settings, 7, 1.0) == milliseconds(30000));
  CHECK(retry_delay(settings, 4000000000U, 1.0) == milliseconds(30000));
  CHECK(retry_delay(settings, 9, 0.0) == milliseconds(0));
}

TEST_CASE("an outage counts against no event, however long, until give_up_after") {
  FailedEvent event;
  event.attempts = 100'000;
  event.tried_for = hours(71);
  auto decision = decide(settings, by(Blame::handler), event, 0.5);
  CHECK_FALSE(decision.counted);
  CHECK_FALSE(decision.dead);
  event.tried_for = hours(72);
  CHECK(decide(settings, by(Blame::handler), event, 0.5).dead);
}

TEST_CASE("an event that was judged, or failed while others did well, dies after max_attempts") {
  FailedEvent event;
  event.counted = 10;
  CHECK(decide(settings, by(Blame::event), event, 0.5).counted);
  CHECK_FALSE(decide(settings, by(Blame::event), event, 0.5).dead);
  event.counted = 11;
  CHECK(decide(settings, by(Blame::event), event, 0.5).dead);
  CHECK_FALSE(decide(settings, by(Blame::handler), event, 0.5).dead);
  event.others_well = true;
  CHECK(decide(settings, by(Blame::handler), event, 0.5).dead);
}

TEST_CASE(
    "a full queue, or a partition that is down, counts against no event, though others do well") {
  FailedEvent event;
  event.counted = 11;
  event.others_well = true;
  for (const auto blame : {Blame::place, Blame::part}) {
    event.tried_for = {};
    const auto decision = decide(settings, by(blame), event, 0.5);
    CHECK_FALSE(decision.counted);
    CHECK_FALSE(decision.dead);
    event.tried_for = hours(72);
    CHECK(decide(settings, by(blame), event, 0.5).dead);
  }
}

TEST_CASE("permanent is at once") {
  auto failure = by(Blame::event);
  failure.permanent = true;
  CHECK(decide(settings, failure, {}, 0.5).dead);
}

TEST_CASE("Retry-After is honoured, up to retry_max") {
  auto failure = by(Blame::handler);
  failure.retry_after = milliseconds(7000);
  CHECK(decide(settings, failure, {.attempts = 1}, 0.0).delay == milliseconds(7000));
  failure.retry_after = hours(5);
  CHECK(decide(settings, failure, {.attempts = 1}, 0.0).delay == settings.retry_max);
  failure.retry_after = milliseconds(1);
  CHECK(decide(settings, failure, {.attempts = 2}, 1.0).delay == milliseconds(1000));
}

TEST_CASE("the breaker opens after failures in a row, probes, and closes with the first answer") {
  Breaker breaker(settings, 3);
  const SteadyTime now{hours(1)};
  breaker.failed(now, 0.5);
  breaker.failed(now, 0.5);
  CHECK(breaker.lets_through(now));
  CHECK_FALSE(breaker.answered());  // it had not been thought down
  for (int i = 0; i < 3; ++i) breaker.failed(now, 0.5);
  CHECK_FALSE(breaker.lets_through(now));
  const auto probe = breaker.probe_at();
  CHECK(probe > now);
  CHECK(probe <= now + settings.retry_min);
  CHECK(breaker.lets_through(probe));
  breaker.began();
  CHECK_FALSE(breaker.lets_through(probe));  // one alone
  breaker.failed(probe, 0.5);
  CHECK(breaker.state() == Breaker::State::open);
  CHECK(breaker.probe_at() > probe + settings.retry_min / 2);
  CHECK(breaker.answered());
  CHECK(breaker.lets_through(probe));
}
