// The script that a store lives through: one step a line, the first line the settings. What is
// promised to somebody is marked in the disk recorder's trace at the moment of the promise.

#include "tests/fault/store_subject.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <mutex>
#include <string>
#include <unistd.h>

namespace wxpush::queue {
namespace {

constexpr int exit_script = 64;
constexpr const char* handler_name = "backend";

// The trace of disk_recorder.c: a marker is a record without a file.
class Trace {
 public:
  Trace() {
    const char* file = std::getenv("WXPUSH_RECORD_FILE");
    if (file != nullptr) descriptor_ = ::open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
  }
  void mark(const std::string& text) const {
    if (descriptor_ < 0) return;
    struct {
      std::uint32_t magic = 0x52545857, kind = 'M';
      std::uint64_t inode = 0, offset = 0;
      std::uint32_t name_size = 0, data_size = 0;
    } head;
    head.data_size = static_cast<std::uint32_t>(text.size());
    std::string whole(reinterpret_cast<const char*>(&head), sizeof head);
    whole += text;
    if (::write(descriptor_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size())) {
      std::abort();
    }
  }

 private:
  int descriptor_ = -1;
};

class Driver {
 public:
  Driver(const std::filesystem::path& directory, const Words& settings)
      : subject_(directory, settings) {}

  void open() {
    queue_ = std::make_unique<StoreQueue>(subject_.settings, subject_.clock, subject_.disk,
                                          subject_.log, subject_.options);
    handler_ = queue_->register_handler(handler_name, {}, {}, true, "").number;
    QueueObserver observer;
    observer.marked = [this](std::uint32_t, std::uint64_t sequence) {
      trace_.mark("marked " + std::to_string(sequence));
    };
    observer.failed = [this](const std::string&) { trace_.mark("failed"); };
    queue_->start(observer);
  }

  // False: there is no such step.
  bool step(const Words& words) {
    const std::string& what = words.plain.at(0);
    if (what == "push") {
      push(std::stoull(words.plain.at(1)), std::stoull(words.plain.at(2)));
    } else if (what == "settle") {
      settle(static_cast<RowId>(words.number("behind", 0)));
    } else if (what == "pass") {
      pass(std::chrono::milliseconds{std::stoll(words.plain.at(1))});
    } else if (what == "space") {
      const std::uint64_t total = 1ULL << 40;
      trace_.mark("space " + words.plain.at(1));
      subject_.disk.set_space({.total = total, .free = words.plain.at(1) == "low" ? 0 : total / 2});
    } else if (what == "kill") {
      std::raise(SIGKILL);
    } else {
      return false;
    }
    return true;
  }

  bool failed() const { return queue_->status().failed; }
  void stop() { queue_->stop(); }

 private:
  // All of them at once, and waits until each was decided.
  void push(std::uint64_t first, std::uint64_t last) {
    {
      const std::lock_guard lock(mutex_);
      undecided_ += last - first + 1;
    }
    for (std::uint64_t n = first; n <= last; ++n) {
      NewEvent event = subject_.event(n);
      const std::string told = " " + to_string(event.event_id) + " " +
                               std::to_string(event.received_at.time_since_epoch().count()) + " ";
      trace_.mark("try" + told);
      queue_->append(std::move(event), [this, told](const Appended& done) { decided(done, told); });
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return undecided_ == 0; });
  }

  void decided(const Appended& done, const std::string& told) {
    if (done.error) {
      trace_.mark("refused" + told);
    } else {
      trace_.mark((done.duplicate ? "known" : "stored") + told + std::to_string(done.id));
    }
    const std::lock_guard lock(mutex_);
    if (!done.error) newest_ = std::max(newest_, done.id);
    if (--undecided_ == 0) changed_.notify_all();
  }

  void settle(RowId behind) {
    RowId through = 0;
    {
      const std::lock_guard lock(mutex_);
      through = newest_ > behind ? newest_ - behind : 0;
    }
    trace_.mark("settle " + std::to_string(through));
    queue_->mark(handler_, LaneMarks{.sequence = through, .cursor = through, .changes = {}});
  }

  void pass(std::chrono::milliseconds time) {
    queue_->wait_until_idle();
    const auto then = subject_.clock.wall() + time;
    trace_.mark("clock " + std::to_string(then.time_since_epoch().count()));
    subject_.clock.advance(time);
    queue_->wait_until_idle();
  }

  Trace trace_;
  Subject subject_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t undecided_ = 0;
  RowId newest_ = 0;
  std::uint32_t handler_ = 0;
  std::unique_ptr<StoreQueue> queue_;  // last: its thread uses the rest
};

int run(Driver& driver, std::istream& script) {
  driver.open();
  for (std::string line; std::getline(script, line);) {
    if (!line.empty() && !driver.step(Words(line))) return exit_script;
    if (driver.failed()) return exit_store_failed;
  }
  driver.stop();
  return driver.failed() ? exit_store_failed : 0;
}

}  // namespace

int drive(const std::filesystem::path& directory, std::istream& script) {
  std::string settings;
  std::getline(script, settings);
  Driver driver(directory, Words(settings));
  try {
    return run(driver, script);
  } catch (const StoreOpenError& error) {
    std::cerr << error.what() << "\n";
    return error.exit_code();
  }
}

}  // namespace wxpush::queue
