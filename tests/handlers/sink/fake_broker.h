#pragma once
// A broker that does what a test says, for the thread that hands events to one.

#include "handlers/sink/broker_link.h"
#include "tests/handlers/queue/fake_clock.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace wxpush::sink {

constexpr std::chrono::seconds patience{60};

inline Failure refused(const std::string& error, Blame blame = Blame::handler) {
  Failure failure;
  failure.blame = blame;
  failure.error = error;
  return failure;
}

// Lines as "message: why".
class RecordingLog final : public Log {
 public:
  void write(LogLevel, std::string_view message, std::initializer_list<LogField> fields) override {
    std::string line(message);
    for (const auto& field : fields) {
      if (field.name() == "why") line.append(": ").append(field.value());
    }
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  bool wants(LogLevel) const noexcept override { return true; }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Shared by the test and the links; a test says what happens before it offers what makes it happen.
class FakeBroker {
 public:
  // What each exchange() does with the tickets that wait; what it throws breaks the link.
  using Exchange = std::function<void(std::vector<std::uint64_t>&, const BrokerLink::Confirm&)>;

  std::string refuses;  // why nobody can connect; empty: everybody can
  Exchange exchange = [](auto& tickets, const auto& confirm) {
    for (const auto ticket : std::exchange(tickets, {})) confirm(ticket, std::nullopt);
  };
  BrokerReport report;
  std::string hindrance;
  bool has_several_places = false;
  std::chrono::milliseconds heartbeat{patience};

  OpenLink opener() {
    return [this] { return open(); };
  }
  std::size_t count(const std::string& what) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(what);
    return found == counts_.end() ? 0 : found->second;
  }
  // "opened", "refused", "published", "closed", "gone": so often, since the beginning.
  void wait_for(const std::string& what, std::size_t times) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, patience, [&] { return counts_[what] >= times; }));
  }

 private:
  class Link;
  std::unique_ptr<BrokerLink> open();
  void note(const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++counts_[what];
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::size_t> counts_;
};

class FakeBroker::Link final : public BrokerLink {
 public:
  explicit Link(FakeBroker& broker) : broker_(broker) {}
  ~Link() override {
    ::close(socket_);
    broker_.note("gone");
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void publish(std::uint64_t ticket, const Delivery&) override {
    tickets_.push_back(ticket);
    broker_.note("published");
  }
  void exchange(const Confirm& confirm) override { broker_.exchange(tickets_, confirm); }
  void close() noexcept override { broker_.note("closed"); }
  std::string place(const Delivery& delivery) const override { return delivery.stored.order_key; }
  bool has_several_places() const override { return broker_.has_several_places; }
  int socket() const override { return socket_; }
  std::chrono::milliseconds heartbeat() const override { return broker_.heartbeat; }
  std::string hindrance() const override { return broker_.hindrance; }
  const BrokerReport& report() const override { return broker_.report; }

 private:
  FakeBroker& broker_;
  const int socket_ = eventfd(0, EFD_CLOEXEC);  // never readable
  std::vector<std::uint64_t> tickets_;
};

inline std::unique_ptr<BrokerLink> FakeBroker::open() {
  if (const auto error = refuses; !error.empty()) {
    note("refused");
    throw LinkError(error);
  }
  note("opened");
  return std::make_unique<Link>(*this);
}

// A handler's thread over such a broker, by a clock that stands still.
struct BrokerFixture {
  FakeBroker broker;
  queue::FakeClock clock;
  RecordingLog log;
  std::unique_ptr<Sink> sink;

  ~BrokerFixture() {
    if (sink) CHECK(sink->stop(patience) == 0);  // before what its thread uses is gone
  }

  void start(OpenLink open = {}) {
    sink = make_broker_sink(open ? std::move(open) : broker.opener(), {}, clock, log);
  }
  std::future<Outcome> offer_later(const std::string& place = {}) const {
    auto told = std::make_shared<std::promise<Outcome>>();
    auto delivery = std::make_shared<Delivery>();
    delivery->stored.order_key = place;
    sink->offer(std::move(delivery),
                [told](Outcome outcome) { told->set_value(std::move(outcome)); });
    return told->get_future();
  }
  static Outcome outcome(std::future<Outcome> future) {
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
    return future.get();
  }
  Outcome offer(const std::string& place = {}) const { return outcome(offer_later(place)); }
  // After an attempt in vain a place that stands has to wait: from when it is asked for.
  void let_others_go_first(const std::string& place) {
    const auto waits = offer(place);
    REQUIRE(waits.has_value());
    CHECK(waits->blame == Blame::part);
    CHECK(waits->error.starts_with(place + " confirms nothing"));
    clock.advance(std::chrono::milliseconds(1000));
  }
};

}  // namespace wxpush::sink
