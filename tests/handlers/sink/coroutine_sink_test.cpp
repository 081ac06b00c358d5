#include "handlers/sink/coroutine_sink.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <stdexcept>

using namespace wxpush::sink;
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds patience{60'000};

std::shared_ptr<const Delivery> delivery() {
  return std::make_shared<const Delivery>();
}
const Done ignore = [](const Outcome&) {};

Outcome outcome_of(CoroutineCallback callback) {
  const auto sink = make_coroutine_sink(std::move(callback));
  std::promise<Outcome> told;
  sink->offer(delivery(), [&](Outcome outcome) { told.set_value(std::move(outcome)); });
  auto outcome = told.get_future().get();
  CHECK(sink->stop(patience) == 0);
  return outcome;
}

asio::awaitable<void> wait_for_ever(std::promise<void>& waiting) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
  waiting.set_value();
  co_await timer.async_wait(asio::use_awaitable);
}

struct Flag {  // set when a coroutine's frame is destroyed
  std::shared_ptr<std::atomic<bool>> gone;
  explicit Flag(std::shared_ptr<std::atomic<bool>> g) : gone(std::move(g)) {}
  ~Flag() { *gone = true; }
};

}  // namespace

TEST_CASE("a coroutine's outcome is told; what it throws is a failure with its text") {
  CHECK_FALSE(outcome_of([](const Delivery&) -> asio::awaitable<Outcome> { co_return Outcome(); }));
  const auto failed = outcome_of([](const Delivery&) -> asio::awaitable<Outcome> {
    throw std::runtime_error("no");
    co_return Outcome();
  });
  REQUIRE(failed);
  CHECK(failed->error == "no");
  CHECK(failed->blame == Blame::handler);
  CHECK_FALSE(failed->permanent);
  // Also if no coroutine comes out of it at all.
  const auto none = outcome_of(
      [](const Delivery&) -> asio::awaitable<Outcome> { throw std::runtime_error("not even"); });
  REQUIRE(none);
  CHECK(none->error == "not even");
}

TEST_CASE("the delivery lives as long as the coroutine") {
  std::promise<unsigned> told;
  const auto sink = make_coroutine_sink([&](const Delivery& one) -> asio::awaitable<Outcome> {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
    told.set_value(one.attempt);
    co_return Outcome();
  });
  {
    Delivery third;
    third.attempt = 3;
    sink->offer(std::make_shared<const Delivery>(std::move(third)), ignore);
  }
  CHECK(told.get_future().get() == 3);
}

TEST_CASE("stop waits for what ends in time, and takes no more") {
  std::promise<void> waiting;
  std::promise<Outcome> told;
  asio::steady_timer* gate = nullptr;
  asio::any_io_executor executor;
  const auto sink = make_coroutine_sink([&](const Delivery&) -> asio::awaitable<Outcome> {
    executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, patience);
    gate = &timer;
    waiting.set_value();
    boost::system::error_code ended;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    co_return Outcome();
  });
  sink->offer(delivery(), [&](Outcome outcome) { told.set_value(std::move(outcome)); });
  waiting.get_future().wait();
  auto stopped = std::async(std::launch::async, [&] { return sink->stop(patience); });
  asio::post(executor, [&] { gate->cancel(); });
  CHECK_FALSE(told.get_future().get());
  CHECK(stopped.get() == 0);
  sink->offer(delivery(), [](const Outcome&) { FAIL("after the stop"); });
  CHECK(sink->stop(milliseconds(0)) == 0);
}

TEST_CASE("what waits at the deadline is cancelled, and its outcome does not count") {
  std::promise<void> waiting, cancelled;
  std::atomic<bool> told = false;
  const auto sink = make_coroutine_sink([&](const Delivery&) -> asio::awaitable<Outcome> {
    try {
      co_await wait_for_ever(waiting);
    } catch (const boost::system::system_error& error) {
      CHECK(error.code() == asio::error::operation_aborted);
      cancelled.set_value();
    }
    co_return Outcome();
  });
  sink->offer(delivery(), [&](const Outcome&) { told = true; });
  waiting.get_future().wait();
  CHECK(sink->stop(milliseconds(0)) == 0);
  cancelled.get_future().wait();
  CHECK_FALSE(told);
}

TEST_CASE("a coroutine that does not heed the cancellation is destroyed where it stands") {
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  std::promise<void> waiting;
  const auto sink = make_coroutine_sink([&](const Delivery&) -> asio::awaitable<Outcome> {
    const Flag flag(gone);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await wait_for_ever(waiting);
    co_return Outcome();
  });
  sink->offer(delivery(), ignore);
  waiting.get_future().wait();
  CHECK(sink->stop(milliseconds(0)) == 0);
  CHECK(*gone);
}

TEST_CASE("a coroutine that blocks the thread keeps nobody, and goes when it is let") {
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  std::promise<void> blocking, release;
  auto sink = make_coroutine_sink([&](const Delivery&) -> asio::awaitable<Outcome> {
    const Flag flag(gone);
    blocking.set_value();
    release.get_future().wait();
    co_return Outcome();
  });
  sink->offer(delivery(), ignore);
  blocking.get_future().wait();
  CHECK(sink->stop(milliseconds(0)) == 1);
  CHECK_FALSE(*gone);
  release.set_value();
  while (sink->stop(milliseconds(0)) != 0) continue;
  CHECK(*gone);
}

TEST_CASE("cut_off alone cancels what is under way, so that many sinks end side by side") {
  std::promise<void> waiting, cancelled;
  const auto sink = make_coroutine_sink([&](const Delivery&) -> asio::awaitable<Outcome> {
    try {
      co_await wait_for_ever(waiting);
    } catch (const boost::system::system_error&) {
      cancelled.set_value();
    }
    co_return Outcome();
  });
  sink->offer(delivery(), ignore);
  waiting.get_future().wait();
  sink->cut_off();
  cancelled.get_future().wait();
  CHECK(sink->stop(patience) == 0);
}

TEST_CASE("what a program puts on the executor may throw; the handler goes on") {
  std::promise<void> thrown;
  const auto sink = make_coroutine_sink([&](const Delivery& one) -> asio::awaitable<Outcome> {
    const auto executor = co_await asio::this_coro::executor;
    if (one.attempt == 1) {
      asio::post(executor, [&] {
        thrown.set_value();
        throw std::runtime_error("in a handler of one's own");
      });
    }
    co_return Outcome();
  });
  sink->offer(delivery(), ignore);
  thrown.get_future().wait();
  Delivery second;
  second.attempt = 2;
  std::promise<Outcome> told;
  sink->offer(std::make_shared<const Delivery>(std::move(second)),
              [&](Outcome outcome) { told.set_value(std::move(outcome)); });
  CHECK_FALSE(told.get_future().get());
  CHECK(sink->stop(patience) == 0);
}

TEST_CASE("what the callback captured is gone when stop answers that nothing runs") {
  auto captured = std::make_shared<int>(0);
  const std::weak_ptr<int> seen = captured;
  const auto sink =
      make_coroutine_sink([own = std::move(captured)](const Delivery&) -> asio::awaitable<Outcome> {
        co_return Outcome();
      });
  CHECK_FALSE(seen.expired());
  CHECK(sink->stop(patience) == 0);
  CHECK(seen.expired());
}
