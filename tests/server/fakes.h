#pragma once
// What stands in for time, randomness, log and queue in the server's tests.

#include "crypto/primitives/random.h"
#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/queue.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::test {

class FakeClock final : public Clock {
 public:
  WallTime now{std::chrono::milliseconds(1'700'000'000'000)};
  SteadyTime steady_now{std::chrono::seconds(1000)};
  WallTime wall() const override { return now; }
  SteadyTime steady() const override { return steady_now; }
};

// 0, 1, 2, … : the same on every run.
class CountingRandom final : public crypto::Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

class RecordingLog final : public Log {
 public:
  struct Line {
    LogLevel level;
    std::string message;
    std::map<std::string, std::string, std::less<>> fields;
  };
  std::vector<Line> lines;

  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    Line line{level, std::string(message), {}};
    for (const auto& field : fields) line.fields.emplace(field.name(), field.value());
    lines.push_back(std::move(line));
  }
  bool wants(LogLevel) const noexcept override { return true; }
};

// Takes appends and answers them when the test says so.
class HeldQueue final : public queue::Queue {
 public:
  struct Held {
    queue::NewEvent event;
    queue::AppendCallback done;
  };

  using Queue::append;
  void append(std::vector<queue::Arrival> arrivals) override {
    ++appends;
    if (refuses) {
      for (const auto& arrival : arrivals) arrival.done({.error = *refuses});
      return;
    }
    const std::lock_guard lock(mutex_);
    for (auto& [event, done] : arrivals) {
      held_.push_back({std::move(event), [this, done = std::move(done)](const auto& appended) {
                         done(appended);
                         if (answered) answered();
                       }});
    }
    changed_.notify_all();
  }
  Held take() {  // the next append, when it has come
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !held_.empty(); });
    auto first = std::move(held_.front());
    held_.erase(held_.begin());
    return first;
  }
  void quarantine(queue::QuarantinedPush push) override {
    quarantined.push_back(std::move(push));
    if (on_quarantine) on_quarantine();
  }
  void remember(std::string name, std::string value) override {
    remembered.emplace_back(std::move(name), std::move(value));
  }

  std::function<void()> answered;  // after each answer, as QueueObserver says
  std::atomic<int> appends{0};     // calls of append()
  std::optional<queue::QueueError> refuses;
  std::vector<queue::QuarantinedPush> quarantined;
  std::function<void()> on_quarantine;
  std::vector<std::pair<std::string, std::string>> remembered;

  queue::HandlerRecord register_handler(const std::string&, const std::vector<std::string>&,
                                        const std::vector<std::string>&, bool,
                                        const std::string&) override {
    return {};
  }
  bool retire_handler(const std::string&) override { return true; }
  void flush_marks() override {}
  queue::Forgotten forget_handler(const std::string&, const std::function<bool()>&) override {
    return queue::Forgotten::unknown;
  }
  queue::Erased erase(const std::vector<queue::RowId>&, bool) override { return {}; }
  std::vector<queue::HandlerRecord> handlers() override { return {}; }
  bool empty() override { return true; }
  void start(queue::QueueObserver) override {}
  void remove_quarantined(std::vector<std::uint64_t>) override {}
  void mark(std::uint32_t, queue::LaneMarks) override {}
  std::unique_ptr<queue::Reader> reader() override { return nullptr; }
  queue::QueueStatus status() const override { return {}; }
  void stop() override {}

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Held> held_;
};

}  // namespace wxpush::test
