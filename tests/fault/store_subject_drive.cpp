// The script that a store lives through: one step a line, the first line the settings. What is
// promised to somebody is marked in the disk recorder's trace at the moment of the promise.

#include "handlers/queue/hashes.h"
#include "tests/fault/store_subject.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::queue {
namespace {

constexpr int exit_script = 64;
constexpr const char* handler_name = "backend";

class Driver {
 public:
  Driver(const std::filesystem::path& directory, const Words& settings)
      : subject_(directory, settings), in_order_(settings.number("in_order", 0) != 0) {}

  // `backup`, if not empty: restores that first, unless there is a store.
  void open(const std::string& backup) {
    trace_.mark("life");
    if (!backup.empty()) restore_from(backup, subject_, trace_);
    queue_ = std::make_unique<StoreQueue>(subject_.settings, subject_.clock, subject_.disk,
                                          subject_.log, subject_.options);
    // A life that was killed as it restored may have promised less.
    if (!backup.empty()) promise_what_is_stored(subject_, trace_);
    const HandlerRecord record = queue_->register_handler(handler_name, {}, {}, true, "");
    handler_ = record.number;
    passed_ = record.cursor;
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
    } else if (what == "list") {
      list();
    } else if (what == "pass") {
      pass(std::chrono::milliseconds{std::stoll(words.plain.at(1))});
    } else if (what == "space") {
      const std::uint64_t total = 1ULL << 40;
      trace_.mark("space " + words.plain.at(1));
      subject_.disk.set_space({.total = total, .free = words.plain.at(1) == "low" ? 0 : total / 2});
    } else if (what == "erase") {
      erase(std::stoull(words.plain.at(1)), std::stoull(words.plain.at(2)),
            words.number("undelivered", 0) != 0);
    } else if (what == "backup") {
      back_up_to(words.plain.at(1), subject_);
    } else if (what == "kill") {
      std::raise(SIGKILL);
    } else {
      return false;
    }
    if (in_order_) queue_->wait_until_idle();
    return true;
  }

  bool failed() const { return queue_->status().failed; }
  void stop() { queue_->stop(); }

 private:
  // All of them at once, and waits until each was decided. In order: the first alone and the rest
  // together, in as many commits each time.
  void push(std::uint64_t first, std::uint64_t last) {
    {
      const std::lock_guard lock(mutex_);
      undecided_ += last - first + 1;
    }
    if (in_order_) {
      // On the writer's thread, which looks for more once all of them are there.
      append(first, [this, first, last] { append_all(first + 1, last); });
    } else {
      append_all(first, last);
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return undecided_ == 0; });
  }

  void append_all(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t n = first; n <= last; ++n) append(n, [] {});
  }

  void append(std::uint64_t n, const std::function<void()>& then) {
    NewEvent event = subject_.event(n);
    const std::string told = " " + to_string(event.event_id) + " " +
                             std::to_string(event.received_at.time_since_epoch().count()) + " ";
    trace_.mark("try" + told);
    queue_->append(std::move(event), [this, n, told, then](const Appended& done) {
      note(n, done, told);
      then();
      decided();
    });
  }

  void note(std::uint64_t n, const Appended& done, const std::string& told) {
    if (done.error) {
      trace_.mark("refused" + told);
      return;
    }
    trace_.mark((done.duplicate ? "known" : "stored") + told + std::to_string(done.id));
    const std::lock_guard lock(mutex_);
    newest_ = std::max(newest_, done.id);
    rows_[n] = done.id;
  }

  void decided() {
    const std::lock_guard lock(mutex_);
    if (--undecided_ == 0) changed_.notify_all();
  }

  // Those that were pushed in this life.
  void erase(std::uint64_t first, std::uint64_t last, bool undelivered) {
    for (std::uint64_t n = first; n <= last; ++n) {
      const auto row = rows_.find(n);
      if (row == rows_.end()) continue;
      const std::string told = " " + to_string(subject_.event(n).event_id);
      trace_.mark("erasing" + told);
      const Erased done = queue_->erase({row->second}, undelivered);
      trace_.mark((done.undelivered == 0 ? "erased" : "kept") + told);
      if (done.undelivered == 0) erased_.insert(row->second);
    }
  }

  void settle(RowId behind) {
    RowId through = 0;
    {
      const std::lock_guard lock(mutex_);
      through = newest_ > behind ? newest_ - behind : 0;
    }
    mark(through, {});
  }

  void mark(RowId through, std::vector<LaneChange> changes) {
    passed_ = std::max(passed_, through);
    trace_.mark("settle " + std::to_string(through));
    queue_->mark(handler_, LaneMarks{.sequence = through, .cursor = through, .changes = changes});
  }

  // The cursor goes past all events, but two of three that this life was pushed are still owed:
  // they are to be tried again, or wait behind another one.
  void list() {
    std::map<RowId, std::uint64_t> owed;  // row: number
    RowId newest = 0;
    {
      const std::lock_guard lock(mutex_);
      newest = newest_;
      for (const auto& [n, row] : rows_) {
        if (row > passed_ && row % 3 != 0 && !erased_.contains(row)) owed.emplace(row, n);
      }
    }
    if (newest <= passed_) return;
    std::vector<LaneChange> changes;
    for (const auto& [row, n] : owed) {
      const NewEvent event = subject_.event(n);
      LaneChange change;
      change.id = row;
      change.lane = lane_of(event.event_id, event.order_key);
      change.place = row % 3 == 1 ? EventPlace::retry : EventPlace::parked;
      change.attempts = row % 3 == 1 ? 1 : 0;
      change.due = subject_.clock.wall() + std::chrono::hours(1);
      trace_.mark("owe " + std::to_string(row) + " " + std::to_string(newest));
      changes.push_back(change);
    }
    mark(newest, std::move(changes));
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
  const bool in_order_;  // the same operations each time: nothing depends on which thread is faster
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t undecided_ = 0;
  RowId newest_ = 0;
  std::map<std::uint64_t, RowId> rows_;  // of the events by their numbers
  std::set<RowId> erased_;
  std::uint32_t handler_ = 0;
  RowId passed_ = 0;                   // the cursor, as this life has marked it
  std::unique_ptr<StoreQueue> queue_;  // last: its thread uses the rest
};

int run(Driver& driver, const std::string& backup, std::istream& script) {
  driver.open(backup);
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
  const Words words(settings);
  Driver driver(directory, words);
  try {
    return run(driver, words.text("restore"), script);
  } catch (const StoreOpenError& error) {
    std::cerr << error.what() << "\n";
    return error.exit_code();
  }
}

}  // namespace wxpush::queue
