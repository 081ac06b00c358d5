// Whose handshake begins next, among connections that are socket pairs.
#include "server/handshake_turns.h"

#include "tests/server/fakes.h"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace wxpush::server;

namespace {

class Peer final : public HandshakeTurns::Entry {
 public:
  Peer(char name, std::string& told) : name_(name), told_(told) {
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()) != 0) std::abort();
  }
  ~Peer() override {
    close(ends_[0]);
    leave();
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  int descriptor() override { return ends_[0]; }
  void on_turn(bool peer_is_there) override { (told_ += name_) += peer_is_there ? ' ' : '!'; }

  void say_something() const { REQUIRE(send(ends_[1], "x", 1, 0) == 1); }
  void finish_sending() const { REQUIRE(shutdown(ends_[1], SHUT_WR) == 0); }
  void leave() {
    if (ends_[1] >= 0) close(std::exchange(ends_[1], -1));
  }

 private:
  const char name_;
  std::string& told_;  // "a " where its handshake began, "a!" where it was dropped
  std::array<int, 2> ends_{-1, -1};
};

struct Fixture {
  boost::asio::io_context context{1};
  wxpush::test::FakeClock clock;
  HandshakeTurns turns{context, clock};
  std::string told;
  std::vector<std::unique_ptr<Peer>> peers;

  Fixture() {
    for (const char name : {'a', 'b', 'c', 'd'})
      peers.push_back(std::make_unique<Peer>(name, told));
  }
  void all_wait() {
    for (auto& peer : peers) turns.wait(*peer);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "in the order of arrival, while nobody has waited for long") {
  all_wait();
  CHECK(told.empty());  // not at once: what is ready comes before
  clock.steady_now += 999ms;
  context.run();
  CHECK(told == "a b c d ");
}

TEST_CASE_FIXTURE(Fixture, "once somebody has waited for a second the newest begins first") {
  turns.wait(*peers[0]);
  clock.steady_now += 1ms;
  turns.wait(*peers[1]);
  turns.wait(*peers[2]);
  turns.wait(*peers[3]);
  clock.steady_now += 999ms;
  context.run_one();
  CHECK(told == "d ");
  peers.erase(peers.begin());  // he gave up, and nobody else has waited so long
  context.run();
  CHECK(told == "d b c ");
}

TEST_CASE_FIXTURE(Fixture, "one in a turn: whatever else is ready comes before the next") {
  all_wait();
  for (const char number : {'1', '2', '3'}) {
    boost::asio::post(context, [this, number] {
      told += number;
      boost::asio::post(context, [this] { told += "+ "; });  // what follows from it
    });
  }
  context.run();
  CHECK(told == "a 123b + + + c d ");
}

TEST_CASE_FIXTURE(Fixture, "who comes while others wait too long goes before them") {
  turns.wait(*peers[0]);
  turns.wait(*peers[1]);
  turns.wait(*peers[2]);
  clock.steady_now += 1s;
  context.run_one();
  turns.wait(*peers[3]);
  context.run();
  CHECK(told == "c d b a ");
}

TEST_CASE_FIXTURE(Fixture, "whose peer has closed is dropped, and its turn is the next one's") {
  all_wait();
  SUBCASE("with nothing said") {
    peers[0]->leave();
  }
  SUBCASE("after its hello") {
    peers[0]->say_something();
    peers[0]->leave();
  }
  SUBCASE("for sending alone: such a one cannot finish a handshake") {
    peers[0]->finish_sending();
  }
  context.run_one();
  CHECK(told == "a!b ");
}

TEST_CASE_FIXTURE(Fixture, "all peers have closed: all are dropped, and nothing begins") {
  all_wait();
  for (auto& peer : peers) peer->leave();
  context.run();
  CHECK(told == "a!b!c!d!");
}

TEST_CASE_FIXTURE(Fixture, "of those that wait, the ones whose peers have closed go at each tick") {
  all_wait();
  peers[0]->say_something();
  peers[0]->leave();
  peers[2]->leave();
  turns.drop_gone();
  CHECK(told == "c!a!");
  turns.drop_gone();  // and only once
  context.run();
  CHECK(told == "c!a!b d ");
}

TEST_CASE_FIXTURE(Fixture, "one that ended while it waited is left out") {
  all_wait();
  peers.pop_back();
  peers.erase(peers.begin());
  context.run();
  CHECK(told == "b c ");
}

TEST_CASE_FIXTURE(Fixture, "after all had their turn, the next one gets his") {
  turns.wait(*peers[0]);
  context.run();
  context.restart();
  turns.wait(*peers[1]);
  context.run();
  CHECK(told == "a b ");
}
