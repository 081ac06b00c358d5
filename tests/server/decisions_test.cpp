#include "server/decisions.h"

#include "tests/server/fakes.h"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::server;
using namespace wxpush::test;

namespace {

struct Fixture {
  boost::asio::io_context context{1};
  HeldQueue queue;
  Decisions decisions{context};
  std::vector<int> decided;

  void append(int number) {
    queue::NewEvent event;
    event.body = std::to_string(number);
    decisions.append(queue, std::move(event), [this, number](const queue::Appended&) {
      decisions.carry([this, number] { decided.push_back(number); });
    });
  }
  void turn() {  // all that is ready, and what that makes ready
    context.restart();
    context.poll();
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what a turn of the thread reads is appended together, in order") {
  for (const int number : {1, 2, 3}) {
    boost::asio::post(context, [this, number] {
      append(number);
      CHECK(queue.appends == 0);
    });
  }
  turn();
  CHECK(queue.appends == 1);
  for (const char* body : {"1", "2", "3"}) CHECK(queue.take().event.body == body);
  append(4);
  turn();
  CHECK(queue.appends == 2);
}

TEST_CASE_FIXTURE(Fixture, "while more come with each turn they go together, within bounds") {
  // As sessions do: what one turn reads makes the next one ready.
  std::function<void(int, int)> go_on = [&](int each, int turns) {
    for (int i = 0; i < each; ++i) append(i);
    if (turns > 1) boost::asio::post(context, [&go_on, each, turns] { go_on(each, turns - 1); });
  };
  const auto appends = [&](int each, int turns) {
    const int before = queue.appends;
    boost::asio::post(context, [&go_on, each, turns] { go_on(each, turns); });
    turn();
    return queue.appends - before;
  };
  CHECK(appends(1, 8) == 1);
  CHECK(appends(1, 9) == 2);
  CHECK(appends(8, 3) == 1);
  CHECK(appends(8, 4) == 2);
  CHECK(appends(100, 3) == 3);
}

TEST_CASE_FIXTURE(Fixture, "decisions are called on the thread once they are handed over") {
  append(1);
  append(2);
  turn();
  queue.take().done({});
  queue.take().done({});
  turn();
  CHECK(decided.empty());
  decisions.hand_over();
  decisions.hand_over();  // nothing is called twice
  CHECK(decided.empty());
  turn();
  CHECK(decided == std::vector{1, 2});
  decisions.carry([this] { decided.push_back(3); });
  decisions.hand_over();
  turn();
  CHECK(decided == std::vector{1, 2, 3});
}

TEST_CASE_FIXTURE(Fixture, "what the queue refuses at once is handed over at once") {
  queue.refuses = queue::QueueError::overloaded;
  append(1);
  turn();
  CHECK(decided == std::vector{1});
}

// A session that was told goes on with its next request, which may be decided before the others.
TEST_CASE_FIXTURE(Fixture, "a decision may carry another one") {
  decisions.carry([this] {
    decided.push_back(1);
    decisions.carry([this] { decided.push_back(2); });
    decisions.hand_over();
  });
  decisions.hand_over();
  turn();
  CHECK(decided == std::vector{1, 2});
}
