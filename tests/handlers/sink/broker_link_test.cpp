// What the thread of a broker's handler makes of what its connection says, and when it connects.
#include "tests/handlers/sink/fake_broker.h"

#include <algorithm>
#include <atomic>

using namespace wxpush;
using namespace wxpush::sink;
using std::chrono::milliseconds;

namespace {

using Tickets = std::vector<std::uint64_t>;
using Confirm = BrokerLink::Confirm;

void confirm_nothing(Tickets&, const Confirm&) {}

}  // namespace

TEST_CASE_FIXTURE(BrokerFixture, "what the broker confirmed is delivered") {
  start();
  CHECK_FALSE(offer().has_value());
  CHECK_FALSE(offer().has_value());
  CHECK(broker.count("opened") == 1);
}

TEST_CASE_FIXTURE(BrokerFixture,
                  "what the broker refused was refused by the place it is for, unless it was "
                  "judged") {
  broker.exchange = [](Tickets& tickets, const Confirm& confirm) {
    for (const auto ticket : std::exchange(tickets, {}))
      confirm(ticket, refused("no", ticket == 1 ? Blame::handler : Blame::event));
  };
  start();
  const auto full = offer();
  REQUIRE(full.has_value());
  CHECK(full->blame == Blame::place);
  CHECK(full->error == "no");
  const auto too_large = offer();
  REQUIRE(too_large.has_value());
  CHECK(too_large->blame == Blame::event);
}

TEST_CASE_FIXTURE(BrokerFixture, "confirmations come in any order, and each is told to its own") {
  broker.exchange = [](Tickets& tickets, const Confirm& confirm) {
    if (tickets.size() < 3) return;
    confirm(tickets[2], std::nullopt);
    confirm(tickets[0], refused("the first"));
    confirm(tickets[0], refused("once more"));
    confirm(tickets[2] + 1, refused("of nobody"));
    confirm(tickets[1], std::nullopt);
  };
  start();
  auto first = offer_later(), second = offer_later(), third = offer_later();
  CHECK(outcome(std::move(first))->error == "the first");
  CHECK_FALSE(outcome(std::move(second)).has_value());
  CHECK_FALSE(outcome(std::move(third)).has_value());
}

TEST_CASE_FIXTURE(BrokerFixture, "whoever is told may offer the next one") {
  start();
  std::promise<Outcome> second;
  sink->offer(std::make_shared<Delivery>(), [&](const Outcome&) {
    sink->offer(std::make_shared<Delivery>(),
                [&](Outcome outcome) { second.set_value(std::move(outcome)); });
  });
  CHECK_FALSE(outcome(second.get_future()).has_value());
}

TEST_CASE_FIXTURE(BrokerFixture, "it connects at once, and again when there is something to do") {
  broker.refuses = "nobody there";
  start();
  broker.wait_for("refused", 1);
  CHECK(offer()->error == "nobody there");
  CHECK(broker.count("refused") == 1);
  clock.advance(milliseconds(60'000));
  broker.refuses = "nobody at home";
  const auto none = offer();
  REQUIRE(none.has_value());
  CHECK(none->blame == Blame::place);  // the event has not been seen by anyone
  CHECK(none->error == "nobody at home");
  CHECK(broker.count("refused") == 2);
}

TEST_CASE_FIXTURE(BrokerFixture, "who cannot connect waits longer each time, 5 s at most") {
  broker.refuses = "nobody there";
  start();
  std::size_t refusals = 1;
  for (const int pause : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    CHECK(offer()->error == "nobody there");
    clock.advance(milliseconds(pause - 1));
    CHECK(offer()->error == "nobody there");
    CHECK(broker.count("refused") == refusals);
    clock.advance(milliseconds(1));
    CHECK(offer()->error == "nobody there");
    CHECK(broker.count("refused") == ++refusals);
  }
  CHECK(log.lines() == std::vector<std::string>{"cannot use a broker: nobody there"});
}

TEST_CASE_FIXTURE(BrokerFixture,
                  "a connection that breaks each time is not made anew each time at once") {
  std::atomic<bool> is_broken = true;
  broker.exchange = [&](Tickets& tickets, const Confirm& confirm) {
    if (is_broken && !tickets.empty()) throw LinkError("it broke");
    for (const auto ticket : std::exchange(tickets, {})) confirm(ticket, std::nullopt);
  };
  start();
  const auto broken = offer();
  REQUIRE(broken.has_value());
  CHECK(broken->blame == Blame::place);
  CHECK(broken->error == "it broke");
  clock.advance(milliseconds(100));
  CHECK(offer()->error == "it broke");
  clock.advance(milliseconds(199));
  CHECK(offer()->error == "it broke");
  CHECK(broker.count("opened") == 2);
  clock.advance(milliseconds(1));
  is_broken = false;
  CHECK_FALSE(offer().has_value());  // it is of use again: the next pause is a short one
  is_broken = true;
  CHECK(offer()->error == "it broke");
  clock.advance(milliseconds(100));
  is_broken = false;
  CHECK_FALSE(offer().has_value());
  CHECK(broker.count("opened") == 4);
}

TEST_CASE_FIXTURE(BrokerFixture, "what is not confirmed in time fails with all that waits") {
  broker.exchange = confirm_nothing;
  broker.hindrance = "low on disk";
  broker.heartbeat = milliseconds(1);  // so that it looks at the clock
  start();
  auto first = offer_later();
  broker.wait_for("published", 1);
  clock.advance(milliseconds(4999));
  auto second = offer_later();
  CHECK(first.wait_for(milliseconds(0)) == std::future_status::timeout);
  clock.advance(milliseconds(1));
  CHECK(outcome(std::move(first))->error == "no confirmation within 5000 ms: low on disk");
  CHECK(outcome(std::move(second)).has_value());
  broker.wait_for("gone", 1);
  broker.exchange = FakeBroker().exchange;
  clock.advance(milliseconds(100));
  CHECK_FALSE(offer().has_value());
  CHECK(broker.count("opened") == 2);
}

TEST_CASE_FIXTURE(BrokerFixture, "an event for which the broker ended it may be to blame") {
  broker.exchange = [](Tickets&, const Confirm&) -> void {
    throw LinkError("a message larger than it takes", Blame::handler);
  };
  start();
  const auto ended = offer();
  REQUIRE(ended.has_value());
  CHECK(ended->blame == Blame::handler);  // it counts once others do well
}

TEST_CASE_FIXTURE(BrokerFixture,
                  "a place that confirms nothing while others do fails alone, and gets one attempt "
                  "at a time until it answers") {
  std::atomic<bool> stands = true;
  Tickets held;
  broker.exchange = [&](Tickets& tickets, const Confirm& confirm) {
    for (const auto ticket : std::exchange(tickets, {})) {
      if (stands && ticket % 2 == 1) {  // by the order in which they are offered
        held.push_back(ticket);
      } else {
        confirm(ticket, std::nullopt);
      }
    }
  };
  broker.heartbeat = milliseconds(1);
  broker.has_several_places = true;
  start();
  auto held_one = offer_later("queue 1");     // ticket 1
  CHECK_FALSE(offer("queue 2").has_value());  // 2
  clock.advance(milliseconds(5000));
  const auto late = outcome(std::move(held_one));
  REQUIRE(late.has_value());
  CHECK(late->blame == Blame::part);
  CHECK(late->error == "no confirmation within 5000 ms");

  let_others_go_first("queue 1");
  auto probe = offer_later("queue 1");  // 3
  const auto beside = offer("queue 1");
  REQUIRE(beside.has_value());
  CHECK(beside->blame == Blame::part);
  CHECK(beside->error == "queue 1 confirms nothing, while others do");
  CHECK_FALSE(offer("queue 2").has_value());  // 4
  clock.advance(milliseconds(5000));
  CHECK(outcome(std::move(probe)).has_value());

  stands = false;
  let_others_go_first("queue 1");
  CHECK_FALSE(offer("queue 1").has_value());
  auto one = offer_later("queue 1"), another = offer_later("queue 1");
  CHECK_FALSE(outcome(std::move(one)).has_value());
  CHECK_FALSE(outcome(std::move(another)).has_value());
  CHECK(broker.count("opened") == 1);  // and nobody else lost the connection
  CHECK(sink->stop(patience) == 0);    // before what its thread looks at is gone
}

TEST_CASE_FIXTURE(
    BrokerFixture,
    "what went to a place before it was known to stand does not end the connection, a "
    "probe that nothing comes after does") {
  broker.exchange = [&](Tickets& tickets, const Confirm& confirm) {
    if (std::erase(tickets, 2) != 0) confirm(2, std::nullopt);
  };
  broker.heartbeat = milliseconds(1);
  broker.has_several_places = true;
  start();
  auto first = offer_later("queue 1");        // 1
  CHECK_FALSE(offer("queue 2").has_value());  // 2
  clock.advance(milliseconds(1));
  auto later = offer_later("queue 1");  // 3
  broker.wait_for("published", 3);
  clock.advance(milliseconds(4999));
  CHECK(outcome(std::move(first))->error == "no confirmation within 5000 ms");
  clock.advance(milliseconds(1));
  CHECK(outcome(std::move(later))->error == "no confirmation within 5000 ms");
  CHECK(broker.count("gone") == 0);
  let_others_go_first("queue 1");
  auto probe = offer_later("queue 1");
  broker.wait_for("published", 4);
  clock.advance(milliseconds(5000));
  CHECK(outcome(std::move(probe))->blame == Blame::part);
  broker.wait_for("gone", 1);
}

TEST_CASE_FIXTURE(BrokerFixture,
                  "what is known of a place outlives its connection, and others have their turn "
                  "before it is probed") {
  broker.exchange = [](Tickets& tickets, const Confirm& confirm) {
    for (const auto ticket : std::exchange(tickets, {})) {
      if (ticket != 2) confirm(ticket, std::nullopt);
    }
  };
  broker.heartbeat = milliseconds(1);
  broker.has_several_places = true;
  start();
  CHECK_FALSE(offer("queue 2").has_value());  // 1
  auto first = offer_later("queue 1");        // 2
  broker.wait_for("published", 2);
  clock.advance(milliseconds(5000));
  CHECK(outcome(std::move(first))->blame == Blame::place);  // or the connection is sick
  broker.wait_for("gone", 1);
  clock.advance(milliseconds(100));  // of back-off

  const auto turn = offer("queue 1");
  REQUIRE(turn.has_value());
  CHECK(turn->blame == Blame::part);
  CHECK(turn->error == "queue 1 confirms nothing");
  CHECK(broker.count("published") == 2);
  CHECK_FALSE(offer("queue 2").has_value());
  CHECK(offer("queue 1")->error == "queue 1 confirms nothing, while others do");
  clock.advance(milliseconds(1000));
  CHECK_FALSE(offer("queue 1").has_value());
}

TEST_CASE_FIXTURE(BrokerFixture,
                  "a place that goes on standing while nobody else is there costs a connection "
                  "ever more seldom") {
  broker.exchange = [](Tickets& tickets, const Confirm& confirm) {
    for (const auto ticket : std::exchange(tickets, {})) {
      if (ticket == 1) confirm(ticket, std::nullopt);
    }
  };
  broker.heartbeat = milliseconds(1);
  broker.has_several_places = true;
  start();
  CHECK_FALSE(offer("queue 2").has_value());
  std::vector<std::size_t> opened;
  for (std::size_t probes = 1; probes <= 7; ++probes) {
    auto probe = offer_later("queue 1");
    broker.wait_for("published", 1 + probes);
    clock.advance(milliseconds(5000));
    const auto late = outcome(std::move(probe));
    REQUIRE(late.has_value());
    CHECK((late->blame == Blame::place) == (probes == 1));  // before it was known
    clock.advance(milliseconds(400));                       // of back-off
    let_others_go_first("queue 1");
    opened.push_back(broker.count("opened"));
  }
  CHECK(opened == std::vector<std::size_t>{2, 3, 3, 4, 4, 4, 4});
}

TEST_CASE_FIXTURE(BrokerFixture, "a place that refuses at once does not stand") {
  std::atomic<bool> is_full = true;
  broker.exchange = [&](Tickets& tickets, const Confirm& confirm) {
    for (const auto ticket : std::exchange(tickets, {}))
      confirm(ticket, is_full && ticket == 1 ? refused("full") : Outcome());
  };
  start();
  CHECK(offer("queue 1")->error == "full");
  CHECK_FALSE(offer("queue 2").has_value());
  auto one = offer_later("queue 1"), another = offer_later("queue 1");
  CHECK_FALSE(outcome(std::move(one)).has_value());
  CHECK_FALSE(outcome(std::move(another)).has_value());
}

TEST_CASE_FIXTURE(
    BrokerFixture,
    "where a place refuses all, another connection is tried, each time after twice as "
    "long") {
  std::atomic<bool> refuses = true;
  broker.exchange = [&](Tickets& tickets, const Confirm& confirm) {
    for (const auto ticket : std::exchange(tickets, {}))
      confirm(ticket, refuses ? refused("full") : Outcome());
  };
  start();
  const auto refuse = [&] {
    const auto outcome = offer("queue 1");
    REQUIRE(outcome.has_value());
    CHECK(outcome->blame == Blame::place);
    CHECK(outcome->error == "full");
  };
  const auto wait_out = [&](milliseconds pause, std::size_t connections) {
    refuse();
    clock.advance(pause - milliseconds(1));
    refuse();
    CHECK(broker.count("opened") == connections);
    clock.advance(milliseconds(1));
    refuse();
    broker.wait_for("gone", connections);
    CHECK(offer("queue 1")->error == "queue 1 refuses all over this connection: full");
    clock.advance(milliseconds(200));  // of back-off
  };
  wait_out(milliseconds(5000), 1);
  wait_out(milliseconds(9800), 2);
  refuses = false;
  CHECK_FALSE(offer("queue 1").has_value());
  refuses = true;
  wait_out(milliseconds(5000), 3);
}

// As Kafka's library tells: it gives up each message itself, and the connection stays.
TEST_CASE_FIXTURE(BrokerFixture,
                  "a place that stands is probed again, also if nothing went over meanwhile; a "
                  "failure that came late is no refusal") {
  std::atomic<bool> stands = true;
  std::atomic<SteadyTime> began = clock.steady();
  Tickets held;
  broker.exchange = [&](Tickets& tickets, const Confirm& confirm) {
    for (const auto ticket : std::exchange(tickets, {})) {
      if (stands && ticket != 2) {
        held.push_back(ticket);
      } else {
        confirm(ticket, std::nullopt);
      }
    }
    // Short of our own time-out.
    for (const auto ticket : std::exchange(held, {})) {
      if (clock.steady() - began.load() < milliseconds(4000)) {
        held.push_back(ticket);
      } else {
        confirm(ticket, refused("timed out"));
      }
    }
  };
  broker.heartbeat = milliseconds(1);
  broker.has_several_places = true;
  start();
  auto first = offer_later("partition 1");        // 1
  CHECK_FALSE(offer("partition 2").has_value());  // 2
  clock.advance(milliseconds(4000));
  CHECK(outcome(std::move(first))->error == "timed out");
  for (std::size_t probes = 1; probes <= 4; ++probes) {  // over more than the time-out
    let_others_go_first("partition 1");
    began = clock.steady();
    auto probe = offer_later("partition 1");
    broker.wait_for("published", 2 + probes);
    // Others did until it was found out, and nobody since the first probe.
    const std::string others = probes == 1 ? ", while others do" : "";
    CHECK(offer("partition 1")->error == "partition 1 confirms nothing" + others);
    clock.advance(milliseconds(4000));
    CHECK(outcome(std::move(probe))->error == "timed out");
  }
  stands = false;
  let_others_go_first("partition 1");
  CHECK_FALSE(offer("partition 1").has_value());
  CHECK(broker.count("gone") == 0);
  CHECK(sink->stop(patience) == 0);  // before what its thread looks at is gone
}

TEST_CASE_FIXTURE(BrokerFixture, "warnings are told once, also those that come later") {
  broker.report.warnings = {"it forgets"};
  std::atomic<bool> breaks = false;
  broker.exchange = [&](Tickets& tickets, const Confirm& confirm) {
    if (breaks) throw LinkError("it broke");
    broker.report.warnings = {"it forgets", "it is trimmed"};
    for (const auto ticket : std::exchange(tickets, {})) confirm(ticket, std::nullopt);
  };
  start();
  CHECK_FALSE(offer().has_value());
  CHECK_FALSE(offer().has_value());  // what was found with the first one has been told by now
  const std::string about = "a broker promises less than it may seem: ";
  const std::vector<std::string> told{"connected to a broker", about + "it forgets",
                                      about + "it is trimmed"};
  CHECK(log.lines() == told);
  breaks = true;
  CHECK(offer()->error == "it broke");
  breaks = false;
  clock.advance(milliseconds(100));
  CHECK_FALSE(offer().has_value());
  const auto lines = log.lines();
  CHECK(std::ranges::count(lines, "connected to a broker") == 2);
  CHECK(std::ranges::count(lines, about + "it forgets") == 1);
}

TEST_CASE_FIXTURE(BrokerFixture, "a stop takes leave of the broker, and drops what waits") {
  broker.exchange = confirm_nothing;
  start();
  auto told = std::make_shared<int>(0);
  const std::weak_ptr<int> waits = told;
  sink->offer(std::make_shared<Delivery>(),
              [told = std::move(told)](const Outcome&) { FAIL("nobody can know"); });
  broker.wait_for("opened", 1);
  sink->cut_off();
  CHECK(sink->stop(patience) == 0);
  CHECK(waits.expired());
  CHECK(broker.count("closed") == 1);
  CHECK(broker.count("gone") == 1);
  sink->offer(std::make_shared<Delivery>(), [](const Outcome&) { FAIL("it was stopped"); });
  CHECK(sink->stop(milliseconds(0)) == 0);
}

TEST_CASE_FIXTURE(BrokerFixture, "a thread that is stuck in connecting is left behind, silent") {
  std::promise<void> begun, let_go;
  start([&, released = let_go.get_future().share()] {
    begun.set_value();
    released.wait();
    return broker.opener()();
  });
  begun.get_future().wait();
  auto told = std::make_shared<int>(0);
  const std::weak_ptr<int> waits = told;
  sink->offer(std::make_shared<Delivery>(),
              [told = std::move(told)](const Outcome&) { FAIL("nobody can know"); });
  CHECK(sink->stop(milliseconds(0)) == 1);
  CHECK(waits.expired());
  sink.reset();
  let_go.set_value();
  broker.wait_for("gone", 1);
  CHECK(log.lines().empty());
}

TEST_CASE_FIXTURE(BrokerFixture, "a thread that is stuck in publishing is left behind, silent") {
  std::promise<void> begun, let_go;
  broker.exchange = [&](Tickets&, const Confirm&) {
    begun.set_value();
    let_go.get_future().wait();
    throw LinkError("it broke");
  };
  auto gone = std::make_unique<queue::FakeClock>();  // as a receiver's is, once it has ended
  sink = make_broker_sink(broker.opener(), {}, *gone, log);
  auto told = offer_later();
  begun.get_future().wait();
  CHECK(sink->stop(milliseconds(0)) == 1);
  sink.reset();
  gone.reset();
  let_go.set_value();
  broker.wait_for("gone", 1);
  CHECK(log.lines() == std::vector<std::string>{"connected to a broker"});
}
