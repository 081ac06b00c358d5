// What the thread of a broker's handler makes of what its connection says.
#include "handlers/sink/broker_link.h"

#include <doctest/doctest.h>

#include <future>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace wxpush;
using namespace wxpush::sink;

namespace {

constexpr std::chrono::seconds patience{60};

class NoLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  bool wants(LogLevel) const noexcept override { return false; }
};

// Answers each event with one and the same outcome, or breaks.
class FakeLink final : public BrokerLink {
 public:
  explicit FakeLink(Outcome outcome, bool breaks = false)
      : outcome_(std::move(outcome)), breaks_(breaks) {}
  ~FakeLink() override { ::close(socket_); }
  FakeLink(const FakeLink&) = delete;
  FakeLink& operator=(const FakeLink&) = delete;

  void publish(std::uint64_t ticket, const Delivery&) override { tickets_.push_back(ticket); }
  void exchange(const Confirm& confirm) override {
    if (breaks_ && !tickets_.empty()) throw LinkError("it broke");
    for (const auto ticket : std::exchange(tickets_, {})) confirm(ticket, outcome_);
  }
  void close() noexcept override {}
  int socket() const override { return socket_; }
  std::chrono::milliseconds heartbeat() const override { return patience; }
  const BrokerReport& report() const override { return report_; }

 private:
  const Outcome outcome_;
  const bool breaks_;
  const int socket_ = eventfd(0, EFD_CLOEXEC);
  std::vector<std::uint64_t> tickets_;
  BrokerReport report_;
};

// What becomes of one event over links that `open` makes.
Outcome outcome_over(OpenLink open) {
  SystemClock clock;
  NoLog log;
  const auto sink = make_broker_sink(std::move(open), {}, clock, log);
  std::promise<Outcome> told;
  sink->offer(std::make_shared<Delivery>(),
              [&](Outcome outcome) { told.set_value(std::move(outcome)); });
  auto future = told.get_future();
  REQUIRE(future.wait_for(patience) == std::future_status::ready);
  return future.get();
}

Failure refused(Blame blame) {
  Failure failure;
  failure.blame = blame;
  failure.error = "no";
  return failure;
}

OpenLink answering(const Outcome& outcome) {
  return [outcome] { return std::make_unique<FakeLink>(outcome); };
}

}  // namespace

TEST_CASE("what the broker confirmed is delivered") {
  CHECK_FALSE(outcome_over(answering(std::nullopt)).has_value());
}

TEST_CASE("what the broker refused was refused by the place it is for, unless it was judged") {
  const auto full = outcome_over(answering(refused(Blame::handler)));
  REQUIRE(full.has_value());
  CHECK(full->blame == Blame::place);
  CHECK(full->error == "no");
  const auto too_large = outcome_over(answering(refused(Blame::event)));
  REQUIRE(too_large.has_value());
  CHECK(too_large->blame == Blame::event);
}

TEST_CASE("a connection that breaks, or cannot be made, is the handler's trouble") {
  const auto broken = outcome_over([] { return std::make_unique<FakeLink>(std::nullopt, true); });
  REQUIRE(broken.has_value());
  CHECK(broken->blame == Blame::handler);
  CHECK(broken->error == "it broke");
  const auto refusing = []() -> std::unique_ptr<BrokerLink> { throw LinkError("nobody there"); };
  const auto none = outcome_over(refusing);
  REQUIRE(none.has_value());
  CHECK(none->blame == Blame::handler);
  CHECK(none->error == "nobody there");
}
