#include "handlers/queue/retention_clock.h"

#include <doctest/doctest.h>

namespace wxpush::queue {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

const WallTime noon{milliseconds{1'800'000'000'000}};
const SteadyTime zero{};
constexpr hours retention{100};

}  // namespace

TEST_CASE("it goes with the wall clock while that runs evenly") {
  RetentionClock clock(std::nullopt, noon, zero, retention);
  CHECK(clock.look(noon + minutes{1}, zero + minutes{1}) == noon + minutes{1});
  CHECK(clock.look(noon + hours{9}, zero + hours{9}) == noon + hours{9});
}

TEST_CASE("it follows the wall clock back at once, and then runs on from there") {
  RetentionClock clock(std::nullopt, noon, zero, retention);
  CHECK(clock.look(noon - hours{5}, zero + minutes{1}) == noon - hours{5});
  CHECK(clock.look(noon - hours{4}, zero + hours{1} + minutes{1}) == noon - hours{4});
}

TEST_CASE("a step forward is believed after a whole retention, not before") {
  RetentionClock clock(std::nullopt, noon, zero, retention);
  const hours step{1000};
  CHECK(clock.look(noon + step + hours{1}, zero + hours{1}) == noon + hours{1});
  CHECK(clock.look(noon + step + hours{100}, zero + hours{100}) == noon + hours{100});
  CHECK(clock.look(noon + step + hours{101}, zero + hours{101}) == noon + step + hours{101});
}

TEST_CASE("a second step has to last as long as the first") {
  RetentionClock clock(std::nullopt, noon, zero, retention);
  clock.look(noon + hours{1000}, zero + hours{1});
  CHECK(clock.look(noon + hours{2000}, zero + hours{101}) == noon + hours{101});
  CHECK(clock.look(noon + hours{2100}, zero + hours{201}) == noon + hours{2100});
}

TEST_CASE("so has one that went back in between: what was stamped there is as young as then") {
  RetentionClock clock(std::nullopt, noon, zero, retention);
  clock.look(noon + hours{1000}, zero + hours{1});
  clock.look(noon + hours{500}, zero + hours{50});
  clock.look(noon + hours{1000}, zero + hours{51});
  CHECK(clock.look(noon + hours{1050}, zero + hours{101}) == noon + hours{101});
  CHECK(clock.look(noon + hours{1100}, zero + hours{151}) == noon + hours{1100});
}

TEST_CASE("a start believes at once that a restart's time has passed") {
  RetentionClock clock(noon, noon + minutes{10}, zero, retention);
  CHECK(clock.time() == noon + minutes{10});
}

TEST_CASE("a start after more than that waits an hour for the clock to be set right") {
  for (const hours ahead : {hours{1}, hours{99}, hours{9000}}) {
    CAPTURE(ahead.count());
    RetentionClock wrong(noon, noon + ahead, zero, retention);
    CHECK(wrong.time() == noon);
    CHECK(wrong.look(noon + minutes{10}, zero + minutes{5}) == noon + minutes{5});  // it was wrong

    RetentionClock right(noon, noon + ahead, zero, retention);
    CHECK(right.look(noon + ahead + minutes{59}, zero + minutes{59}) == noon + minutes{59});
    CHECK(right.look(noon + ahead + hours{1}, zero + hours{1}) == noon + ahead + hours{1});
  }
}

TEST_CASE("a start with a clock that went back goes by that clock") {
  RetentionClock clock(noon, noon - hours{9000}, zero, retention);
  CHECK(clock.time() == noon - hours{9000});
}

}  // namespace wxpush::queue
