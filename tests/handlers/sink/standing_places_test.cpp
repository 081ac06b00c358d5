// Which attempts go to places that confirm nothing, and when another connection is worth a try.
#include "handlers/sink/standing_places.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace wxpush;
using namespace wxpush::sink;
using std::chrono::milliseconds;

namespace {

struct Fixture {
  SteadyTime now{std::chrono::seconds(1000)};
  StandingPlaces places{milliseconds(5000)};

  Fixture() {
    places.are_several(true);
    places.took("c", now);
  }
  void pass(int time) { now += milliseconds(time); }
  // After others had their turn.
  bool admits(const std::string& place) {
    places.admits(place, now);
    pass(1000);
    return places.admits(place, now);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "one attempt at a time, after others had their turn, until it answers") {
  CHECK(places.admits("a", now));
  CHECK(places.admits("a", now));
  places.waited("a", true, 7);
  CHECK(places.stood_after("a", 7));
  CHECK_FALSE(places.stood_after("a", 8));
  pass(60'000);  // nobody was let through meanwhile: the turn begins when somebody asks
  CHECK_FALSE(places.admits("a", now));
  CHECK(places.admits("b", now));
  pass(999);
  CHECK_FALSE(places.admits("a", now));
  pass(1);
  CHECK(places.admits("a", now));
  CHECK_FALSE(places.admits("a", now));  // its probe is on its way
  places.waited("a", true, 9);
  CHECK_FALSE(places.admits("a", now));
  CHECK(admits("a"));
  places.answered("a");
  CHECK(places.admits("a", now));
  CHECK(places.admits("a", now));
}

TEST_CASE_FIXTURE(Fixture, "with the connection goes the probe, and nothing that is known") {
  places.waited("a", false, 7);
  CHECK(admits("a"));
  places.lost(now);
  CHECK(places.stands("a"));
  CHECK_FALSE(places.admits("a", now));
  CHECK(admits("a"));
}

TEST_CASE_FIXTURE(Fixture, "of many places that stand only a few are probed at once") {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("place " + std::to_string(i));
  for (const auto& name : names) places.waited(name, true, 200);
  CHECK(admits(names.front()));
  const auto probes =
      std::ranges::count_if(names, [this](const auto& name) { return places.admits(name, now); });
  CHECK(probes == 7);
  places.answered(names.front());
  CHECK(places.admits(names.back(), now));
  CHECK_FALSE(places.admits(names[50], now));
}

TEST_CASE_FIXTURE(Fixture, "another connection is tried ever more seldom while a place stands") {
  places.waited("a", false, 7);
  places.lost(now);
  std::vector<int> seconds;
  for (int second = 1; second <= 1000; ++second) {
    pass(1000);
    if (places.is_for_another_connection(now)) seconds.push_back(second);
  }
  CHECK(seconds == std::vector<int>{5, 15, 35, 75, 155, 315, 615, 915});
  places.took("c", now);
  pass(299'000);
  CHECK_FALSE(places.is_for_another_connection(now));  // it was of use since
  places.answered("a");
  CHECK(places.is_for_another_connection(now));  // nothing stands any more
}

TEST_CASE_FIXTURE(
    Fixture, "what one place of several does says nothing about others, what two do in a row may") {
  CHECK(places.are_apart());
  places.waited("a", true, 7);
  CHECK(places.are_apart());
  CHECK(places.others_do("a"));
  places.refused("b", now);
  CHECK_FALSE(places.are_apart());
  places.took("c", now);
  CHECK(places.are_apart());
  places.are_several(false);
  CHECK_FALSE(places.are_apart());
}

TEST_CASE_FIXTURE(Fixture, "a broker that is one place never stands, nor does what has no name") {
  places.waited("", true, 7);
  places.refused("", now);
  CHECK(places.admits("", now));
  places.are_several(false);
  places.waited("a", true, 7);
  CHECK_FALSE(places.stands("a"));
  CHECK(places.admits("a", now));
}

TEST_CASE_FIXTURE(Fixture, "what is known has a bound") {
  for (int i = 0; i < 2000; ++i) places.waited("place " + std::to_string(i), true, 7);
  CHECK(places.stands("place 0"));
  CHECK_FALSE(places.stands("place 1999"));
}
