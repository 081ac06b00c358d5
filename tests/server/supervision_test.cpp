// What the supervisor decides, on a clock that the test owns.
#include "server/supervision.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

using namespace wxpush;
using namespace wxpush::server;
using std::chrono::milliseconds;

namespace {

using Kind = SupervisorAction::Kind;
constexpr WorkerEnd killed{.code = 0, .signal = SIGKILL};

struct World {
  Supervision decide{{.drain = milliseconds(4000)}};
  SteadyTime now{std::chrono::hours(1)};

  void pass(milliseconds time) { now += time; }

  // What is done; what is only told to the log is left out.
  static Supervision::Actions done(Supervision::Actions actions) {
    std::erase_if(actions, [](const auto& action) { return action.kind == Kind::tell; });
    return actions;
  }
  // Worker 1 serves, and has for long.
  void serve() {
    decide.begin();
    decide.serves(1, now);
    pass(std::chrono::hours(1));
  }
};

Supervision::Actions only(Kind kind, WorkerId worker, int code = 0) {
  return {{kind, worker, code}};
}

}  // namespace

TEST_CASE("a worker that served and died is followed at once") {
  World world;
  CHECK(world.decide.begin() == only(Kind::start, 1));
  world.decide.serves(1, world.now);
  world.pass(Supervision::proved);
  CHECK(world.decide.ended(1, killed, world.now) == only(Kind::start, 2));
  CHECK(!world.decide.due());
}

TEST_CASE("one that drained because somebody else told it to is followed, too") {
  World world;
  world.serve();
  CHECK(world.decide.ended(1, {.code = 0}, world.now) == only(Kind::start, 2));
}

TEST_CASE("workers that die young are followed after pauses that double, up to a bound") {
  World world;
  world.decide.begin();
  milliseconds expected = Supervision::shortest_pause;
  for (WorkerId worker = 1; worker < 12; ++worker) {
    CHECK(World::done(world.decide.ended(worker, {.code = 74}, world.now)).empty());
    REQUIRE(world.decide.due() == world.now + expected);
    world.pass(expected - milliseconds(1));
    CHECK(world.decide.tick(world.now).empty());
    world.pass(milliseconds(1));
    CHECK(world.decide.tick(world.now) == only(Kind::start, worker + 1));
    expected = std::min(expected * 2, Supervision::longest_pause);
  }
  CHECK(expected == Supervision::longest_pause);
}

TEST_CASE("a worker that served long ends the row of failures") {
  World world;
  world.decide.begin();
  for (WorkerId worker = 1; worker < 5; ++worker) {
    world.decide.ended(worker, killed, world.now);
    world.pass(Supervision::longest_pause);
    world.decide.tick(world.now);
  }
  world.decide.serves(5, world.now);
  world.pass(Supervision::proved);
  CHECK(world.decide.ended(5, killed, world.now) == only(Kind::start, 6));
  world.decide.ended(6, killed, world.now);
  CHECK(world.decide.due() == world.now + Supervision::shortest_pause);
}

TEST_CASE("what no restart mends ends the supervisor with the worker's exit code") {
  for (const int code : {64, 65, 77, 78}) {
    CAPTURE(code);
    World world;
    world.serve();
    CHECK(World::done(world.decide.ended(1, {.code = code}, world.now)) ==
          only(Kind::finish, 0, code));
  }
  for (const int code : {0, 1, 69, 71, 74, 75, 127}) CHECK(!is_final({.code = code}));
  CHECK(!is_final({.code = 78, .signal = SIGKILL}));
}

TEST_CASE(
    "a replacement starts beside the one that serves, which makes way once the new one waits") {
  World world;
  world.serve();
  CHECK(world.decide.replace(world.now) == only(Kind::start, 2));
  CHECK(world.decide.waits(2, world.now) == only(Kind::hand_over, 1));
  CHECK(world.decide.ended(1, {.code = 0}, world.now).empty());
  CHECK(world.decide.serves(2, world.now).empty());
  CHECK(!world.decide.due());
  world.pass(Supervision::proved);
  CHECK(world.decide.ended(2, killed, world.now) == only(Kind::start, 3));
}

TEST_CASE("a replacement that ends before it waits changes nothing: the old one goes on") {
  World world;
  world.serve();
  world.decide.replace(world.now);
  const auto told = world.decide.ended(2, {.code = 78}, world.now);
  REQUIRE(told.size() == 1);
  CHECK(told[0].kind == Kind::tell);
  CHECK(told[0].text.find("exit 78") != std::string::npos);
  CHECK(told[0].text.find("the old one goes on") != std::string::npos);
  CHECK(!world.decide.due());
  CHECK(world.decide.replace(world.now) == only(Kind::start, 3));
}

TEST_CASE("a replacement that hangs before the lock is killed, and the old one goes on") {
  World world;
  world.serve();
  world.decide.replace(world.now);
  REQUIRE(world.decide.due() == world.now + Supervision::to_the_lock);
  world.pass(Supervision::to_the_lock);
  CHECK(World::done(world.decide.tick(world.now)) == only(Kind::kill, 2));
  CHECK(!world.decide.due());
  CHECK(World::done(world.decide.ended(2, killed, world.now)).empty());
}

TEST_CASE("one that does not make way in its time is killed") {
  World world;
  world.serve();
  world.decide.replace(world.now);
  world.decide.waits(2, world.now);
  const auto limit = milliseconds(4000) + Supervision::beyond_drain;
  REQUIRE(world.decide.due() == world.now + limit);
  world.pass(limit);
  CHECK(World::done(world.decide.tick(world.now)) == only(Kind::kill, 1));
  CHECK(world.decide.ended(1, killed, world.now).empty());
  CHECK(world.decide.serves(2, world.now).empty());
}

TEST_CASE("both die: another one starts when the second has gone, whichever it was") {
  SUBCASE("the one that waited first") {
    World world;
    world.serve();
    world.decide.replace(world.now);
    world.decide.waits(2, world.now);
    CHECK(World::done(world.decide.ended(2, killed, world.now)).empty());
    CHECK(world.decide.ended(1, {.code = 0}, world.now) == only(Kind::start, 3));
  }
  SUBCASE("the one that served first") {
    World world;
    world.serve();
    world.decide.replace(world.now);
    CHECK(world.decide.ended(1, killed, world.now).empty());
    World::done(world.decide.ended(2, killed, world.now));
    REQUIRE(world.decide.due());
    world.pass(Supervision::shortest_pause);
    CHECK(world.decide.tick(world.now) == only(Kind::start, 3));
  }
}

TEST_CASE("one replacement at a time; between two tries, it is the next try") {
  World world;
  world.serve();
  world.decide.replace(world.now);
  CHECK(World::done(world.decide.replace(world.now)).empty());
  World young;
  young.decide.begin();
  young.decide.ended(1, killed, young.now);
  REQUIRE(young.decide.due());
  CHECK(young.decide.replace(young.now) == only(Kind::start, 2));
  CHECK(!young.decide.due());
}

TEST_CASE("asked again while one replaces another: one more follows, of what is on the disk then") {
  World world;
  world.serve();
  world.decide.replace(world.now);
  World::done(world.decide.replace(world.now));
  world.decide.waits(2, world.now);
  World::done(world.decide.replace(world.now));  // however often, and also while the old one leaves
  SUBCASE("when the old one has gone and the new one serves") {
    CHECK(world.decide.ended(1, {.code = 0}, world.now).empty());
    CHECK(world.decide.serves(2, world.now) == only(Kind::start, 3));
  }
  SUBCASE("also if it serves before the old one's end is seen") {
    CHECK(world.decide.serves(2, world.now).empty());
    CHECK(world.decide.ended(1, {.code = 0}, world.now) == only(Kind::start, 3));
  }
  CHECK(world.decide.waits(3, world.now) == only(Kind::hand_over, 2));
  CHECK(world.decide.ended(2, {.code = 0}, world.now).empty());
  CHECK(world.decide.serves(3, world.now).empty());  // and that was all
  CHECK(!world.decide.due());
}

TEST_CASE("asked again while a replacement fails: it is tried once more") {
  World world;
  world.serve();
  world.decide.replace(world.now);
  World::done(world.decide.replace(world.now));
  CHECK(World::done(world.decide.ended(2, {.code = 78}, world.now)) == only(Kind::start, 3));
  CHECK(World::done(world.decide.ended(3, {.code = 78}, world.now)).empty());
}

TEST_CASE("asked again, and a worker was started since for another reason: that one will do") {
  World world;
  world.serve();
  world.decide.replace(world.now);
  world.decide.waits(2, world.now);
  World::done(world.decide.replace(world.now));
  World::done(world.decide.ended(2, killed, world.now));
  CHECK(world.decide.ended(1, {.code = 0}, world.now) == only(Kind::start, 3));
  CHECK(world.decide.serves(3, world.now).empty());
}

TEST_CASE("stop drains the worker and ends with its exit code") {
  for (const int code : {0, 74}) {
    World world;
    world.serve();
    CHECK(world.decide.stop(world.now) == only(Kind::stop, 1));
    CHECK(world.decide.ended(1, {.code = code}, world.now) == only(Kind::finish, 0, code));
  }
  World world;
  world.serve();
  world.decide.stop(world.now);
  CHECK(world.decide.ended(1, killed, world.now) == only(Kind::finish, 0, 128 + SIGKILL));
}

TEST_CASE("a second stop is passed on; a worker that heeds neither is killed") {
  World world;
  world.serve();
  world.decide.stop(world.now);
  CHECK(world.decide.stop(world.now) == only(Kind::stop, 1));
  world.pass(milliseconds(4000) + Supervision::beyond_drain);
  CHECK(World::done(world.decide.tick(world.now)) == only(Kind::kill, 1));
}

TEST_CASE(
    "stop while one replaces another ends both, and what the new one ends with is no failure") {
  World world;
  world.serve();
  world.decide.replace(world.now);
  world.decide.waits(2, world.now);
  CHECK(world.decide.stop(world.now) == Supervision::Actions{{Kind::stop, 1}, {Kind::stop, 2}});
  CHECK(world.decide.ended(2, {.code = 75}, world.now).empty());
  CHECK(world.decide.ended(1, {.code = 0}, world.now) == only(Kind::finish, 0, 0));
}

TEST_CASE("stop between two tries ends at once, and nothing starts any more") {
  World world;
  world.decide.begin();
  world.decide.ended(1, killed, world.now);
  CHECK(world.decide.stop(world.now) == only(Kind::finish, 0, 0));
  CHECK(!world.decide.due());
  CHECK(world.decide.replace(world.now).empty());
}

TEST_CASE("what is said of a worker that is not known is not acted on") {
  World world;
  world.serve();
  CHECK(world.decide.waits(7, world.now).empty());
  CHECK(world.decide.waits(1, world.now).empty());  // a first worker waits for a stranger's lock
  CHECK(world.decide.ended(7, killed, world.now).empty());
}
