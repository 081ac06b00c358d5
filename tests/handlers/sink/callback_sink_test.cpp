#include "handlers/sink/sink.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <stdexcept>

using namespace wxpush;
using namespace wxpush::sink;
using std::chrono::milliseconds;

namespace {

Outcome outcome_of(EventCallback callback) {
  const auto sink = make_callback_sink(std::move(callback), 1);
  std::promise<Outcome> told;
  sink->offer(std::make_shared<Delivery>(), [&](Outcome outcome) { told.set_value(outcome); });
  auto outcome = told.get_future().get();
  sink->stop(milliseconds(60000));
  return outcome;
}

}  // namespace

TEST_CASE("a callback that returns has delivered; one that throws has not, and says why") {
  CHECK_FALSE(outcome_of([](const Delivery&) { return Outcome(); }));
  const auto failed =
      outcome_of([](const Delivery&) -> Outcome { throw std::runtime_error("no"); });
  REQUIRE(failed);
  CHECK(failed->error == "no");
  CHECK(failed->blame == Blame::handler);
  CHECK_FALSE(failed->permanent);
  const auto never = outcome_of(
      [](const Delivery&) -> Outcome { return Failure{.permanent = true, .error = "never"}; });
  REQUIRE(never);
  CHECK(never->permanent);
  CHECK_FALSE(outcome_of([](const Delivery&) -> Outcome { throw 42; })->error.empty());
}

TEST_CASE("as many at once as there are threads") {
  std::promise<void> first, second;
  const auto sink = make_callback_sink(
      [&, calls = std::make_shared<std::atomic<int>>(0)](const Delivery&) {
        if (calls->fetch_add(1) == 0) {
          first.set_value();
          second.get_future().wait();  // for the other one
        } else {
          second.set_value();
        }
        return Outcome();
      },
      2);
  std::promise<void> both;
  auto done = [&, left = std::make_shared<std::atomic<int>>(2)](const Outcome&) {
    if (left->fetch_sub(1) == 1) both.set_value();
  };
  sink->offer(std::make_shared<Delivery>(), done);
  first.get_future().wait();
  sink->offer(std::make_shared<Delivery>(), done);
  both.get_future().wait();
  CHECK(sink->stop(milliseconds(60000)) == 0);
}

TEST_CASE("stop waits for what is under way, and lets go of what does not end") {
  auto release = std::make_shared<std::promise<void>>();
  auto entered = std::make_shared<std::promise<void>>();
  const auto sink = make_callback_sink(
      [release, entered](const Delivery&) {
        entered->set_value();
        release->get_future().wait();
        return Outcome();
      },
      1);
  sink->offer(std::make_shared<Delivery>(), [](const Outcome&) {});
  entered->get_future().wait();
  CHECK(sink->stop(milliseconds(0)) == 1);
  release->set_value();
  CHECK(sink->stop(milliseconds(60000)) == 0);
}

TEST_CASE("what the callback captured is gone when stop answers that nothing runs") {
  auto captured = std::make_shared<int>(0);
  const std::weak_ptr<int> seen = captured;
  const auto sink =
      make_callback_sink([own = std::move(captured)](const Delivery&) { return Outcome(); }, 2);
  CHECK_FALSE(seen.expired());
  CHECK(sink->stop(milliseconds(60000)) == 0);
  CHECK(seen.expired());
}
