#include "handlers/dispatch/dispatcher.h"

#include "tests/handlers/dispatch/fake_store.h"

#include <doctest/doctest.h>

#include <future>

using namespace wxpush;
using namespace wxpush::dispatch;
using namespace wxpush::test;
using std::chrono::milliseconds;

namespace {

std::unique_ptr<queue::Reader> one_event() {
  return std::make_unique<FakeReader>(std::vector{stored_event(1, "t")});
}

sink::CallbackHandler handler(std::string name, sink::EventCallback call) {
  return {std::move(name), {}, {}, false, std::move(call)};
}

}  // namespace

TEST_CASE("a handler that blocks holds up no other") {
  NullLog log;
  Settled settled;
  std::promise<void> release;
  auto released = release.get_future().share();
  Dispatcher dispatcher(log);
  dispatcher.add(handler("blocked", [released](const sink::Delivery&) { released.wait(); }), 0,
                 one_event(), [](auto) {}, {});
  dispatcher.add(handler("quick", [](const sink::Delivery&) {}), 0, one_event(),
                 [&](queue::RowId through) { settled.note(through); }, {});
  dispatcher.start();
  dispatcher.wake(1);
  settled.wait_for(1);
  release.set_value();
  CHECK(dispatcher.stop(milliseconds(60000)) == 0);
}

TEST_CASE(
    "a callback that blocks does not keep the dispatcher: it is abandoned, and settles nothing "
    "afterwards") {
  NullLog log;
  Settled settled;
  auto release = std::make_shared<std::promise<void>>();
  auto entered = std::make_shared<std::promise<void>>();
  // Destroyed with the feed, and so after all that it could have settled.
  auto end_of_feed = std::shared_ptr<std::promise<void>>(new std::promise<void>, [](auto* promise) {
    promise->set_value();
    delete promise;
  });
  auto feed_ended = end_of_feed->get_future();
  {
    Dispatcher dispatcher(log);
    dispatcher.add(handler("blocked",
                           [release, entered, end = std::move(end_of_feed)](const sink::Delivery&) {
                             entered->set_value();
                             release->get_future().wait();
                           }),
                   0, one_event(), [&](queue::RowId through) { settled.note(through); }, {});
    dispatcher.start();
    dispatcher.wake(1);
    entered->get_future().wait();
    CHECK(dispatcher.stop(milliseconds(0)) == 1);
    CHECK(dispatcher.stop(milliseconds(0)) == 0);  // idempotent
  }
  release->set_value();
  feed_ended.wait();
  CHECK(settled.through() == 0);
}

TEST_CASE("the last error of a handler is kept by name") {
  NullLog log;
  Dispatcher dispatcher(log);
  std::promise<void> tried;
  dispatcher.add(handler("down",
                         [&](const sink::Delivery& delivery) {
                           if (delivery.attempt == 2) tried.set_value();
                           throw std::runtime_error("refused");
                         }),
                 0, one_event(), [](auto) {}, {});
  dispatcher.start();
  dispatcher.wake(1);
  tried.get_future().wait();
  dispatcher.stop(milliseconds(60000));
  CHECK(dispatcher.last_error("down") == "refused");
  CHECK(dispatcher.last_error("unknown").empty());
}
