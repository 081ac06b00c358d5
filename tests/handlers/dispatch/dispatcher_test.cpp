#include "handlers/dispatch/dispatcher.h"

#include "tests/handlers/dispatch/fake_store.h"

#include <doctest/doctest.h>

#include <future>

using namespace wxpush;
using namespace wxpush::dispatch;
using namespace wxpush::test;
using std::chrono::milliseconds;

namespace {

struct Fixture {
  NullLog log;
  SystemClock clock;
  Dispatcher dispatcher{clock, log};
  Settled settled;

  void add(std::string name, sink::EventCallback call) {
    add(std::move(name), sink::make_callback_sink(std::move(call), 1));
  }
  void add(std::string name, std::unique_ptr<sink::Sink> sink) {
    FeedSettings settings;
    settings.name = std::move(name);
    settings.number = ++number_;
    settings.lanes.concurrency = 1;
    settings.lanes.retry.retry_min = milliseconds(1);
    dispatcher.add(std::move(settings),
                   std::make_unique<FakeReader>(std::vector{stored_event(1, "t")}), std::move(sink),
                   [this](const queue::LaneMarks& marks) { settled.note(marks.cursor); }, {});
  }

 private:
  std::uint32_t number_ = 0;
};

// Notes what it is told.
class NotingSink final : public sink::Sink {
 public:
  NotingSink(std::string name, std::vector<std::string>& notes)
      : name_(std::move(name)), notes_(notes) {}
  void offer(std::shared_ptr<const sink::Delivery>, sink::Done) override {}
  void cut_off() override { notes_.push_back("cut off " + name_); }
  std::size_t stop(milliseconds) override {
    notes_.push_back("wait for " + name_);
    return 0;
  }

 private:
  const std::string name_;
  std::vector<std::string>& notes_;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a handler that blocks holds up no other") {
  std::promise<void> release;
  auto released = release.get_future().share();
  add("blocked", [released](const sink::Delivery&) {
    released.wait();
    return sink::Outcome();
  });
  add("quick", [](const sink::Delivery&) { return sink::Outcome(); });
  dispatcher.start();
  dispatcher.wake(1);
  settled.wait_for(1);
  release.set_value();
  CHECK(dispatcher.stop(milliseconds(60000)) == 0);
}

TEST_CASE_FIXTURE(
    Fixture,
    "a callback that blocks does not keep the dispatcher: it is abandoned, and settles nothing "
    "afterwards") {
  auto release = std::make_shared<std::promise<void>>();
  auto entered = std::make_shared<std::promise<void>>();
  // Destroyed with the callback, and so after all that its thread could have told.
  auto end_of_callback =
      std::shared_ptr<std::promise<void>>(new std::promise<void>, [](auto* promise) {
        promise->set_value();
        delete promise;
      });
  auto callback_ended = end_of_callback->get_future();
  add("blocked", [release, entered, end = std::move(end_of_callback)](const sink::Delivery&) {
    entered->set_value();
    release->get_future().wait();
    return sink::Outcome();
  });
  dispatcher.start();
  dispatcher.wake(1);
  entered->get_future().wait();
  CHECK(dispatcher.stop(milliseconds(0)) == 1);
  CHECK(dispatcher.stop(milliseconds(0)) == 0);  // idempotent
  dispatcher.~Dispatcher();
  new (&dispatcher) Dispatcher(clock, log);
  release->set_value();
  callback_ended.wait();
  CHECK(settled.through() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the last error of a handler is kept by name") {
  std::promise<void> tried;
  add("down", [&](const sink::Delivery& delivery) -> sink::Outcome {
    if (delivery.attempt == 2) tried.set_value();
    throw std::runtime_error("refused");
  });
  dispatcher.start();
  dispatcher.wake(1);
  tried.get_future().wait();
  dispatcher.stop(milliseconds(60000));
  CHECK(dispatcher.last_error("down") == "refused");
  CHECK(dispatcher.last_error("unknown").empty());
}

TEST_CASE_FIXTURE(Fixture, "all sinks are cut off before any is waited for") {
  std::vector<std::string> notes;
  for (const auto* name : {"a", "b", "c"}) add(name, std::make_unique<NotingSink>(name, notes));
  dispatcher.start();
  CHECK(dispatcher.stop(milliseconds(60000)) == 0);
  CHECK(notes == std::vector<std::string>{"cut off a", "cut off b", "cut off c", "wait for a",
                                          "wait for b", "wait for c"});
}

TEST_CASE_FIXTURE(Fixture, "a callback that blocks counts at the end, though its handler is gone") {
  auto release = std::make_shared<std::promise<void>>();
  auto entered = std::make_shared<std::promise<void>>();
  add("blocked", [release, entered](const sink::Delivery&) {
    entered->set_value();
    release->get_future().wait();
    return sink::Outcome();
  });
  dispatcher.start();
  dispatcher.wake(1);
  entered->get_future().wait();
  CHECK(dispatcher.remove("blocked", milliseconds(0)) == 1);
  CHECK_FALSE(dispatcher.runs("blocked"));
  CHECK(dispatcher.stop(milliseconds(0)) == 1);
  release->set_value();
}
