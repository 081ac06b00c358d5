#pragma once
// One handler's feed: reads what its lanes want, offers what they allow, and hands their marks to
// the writer. The decisions are the lanes' (lanes.h); this is the thread around them. It never
// waits for a handler, only for what happens next.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/dispatch/lanes.h"
#include "handlers/dispatch/requests.h"
#include "handlers/dispatch/upcoming.h"
#include "handlers/queue/reader.h"
#include "handlers/sink/sink.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace wxpush::dispatch {

// One attempt, after its outcome is known.
struct Attempt {
  const std::string& handler;
  const queue::StoredEvent& stored;
  unsigned number;           // from 1
  const std::string& error;  // empty: done
  bool dead;                 // it was the last one: the event is a dead letter
  std::chrono::nanoseconds took;
};

enum class Unoffered : std::uint8_t { repeat, too_old };

// Called on the feed's thread.
struct DeliveryObserver {
  std::function<void(const Attempt& attempt)> attempted;
  std::function<void(const std::string& app, const event::Marks& marks)> marked;
  // Events that were never offered, or not again: repeats that the handler wants removed, and dead
  // letters for their age.
  std::function<void(const std::string& handler, Unoffered why, std::size_t events)> unoffered;
};

// What the feed has to make durable; committed() is to follow.
using Mark = std::function<void(queue::LaneMarks marks)>;

struct FeedSettings {
  std::string name;
  std::vector<std::string> apps;    // names; empty = all
  std::vector<std::string> events;  // lower-case types, a trailing * allowed; empty = all
  std::uint32_t number = 0;         // in the store
  LaneSettings lanes;
  bool remove_repeats = false;  // what says the same in other bytes is delivered once
  // What waits longer becomes a dead letter, by this clock, which no step of the wall clock moves;
  // 0: never.
  std::chrono::milliseconds max_backlog_age{};
  std::function<WallTime()> retention_time;
};

class Feed {
 public:
  // `clock` and `log` outlive it. Reads where the handler stands; throws what the reader throws.
  Feed(FeedSettings settings, std::unique_ptr<queue::Reader> reader,
       std::unique_ptr<sink::Sink> sink, Mark mark, DeliveryObserver observer, Clock& clock,
       Log& log);
  ~Feed();

  void run();  // on a thread of its own, until it was stopped and nothing is in flight

  // From any thread, and short:
  void wake(queue::RowId durable_id);      // events up to this are durable
  void committed(std::uint64_t sequence);  // marks up to this are
  // Its answer breaks its promise if the feed ends before.
  std::future<Granted> ask(Ask what, std::vector<queue::RowId> ids);
  // These were erased: ready when no attempt with them begins any more. Likewise.
  std::future<void> let_go_of(std::vector<queue::RowId> erased);
  void stop();     // no further attempt begins
  void abandon();  // nor is anything in flight waited for
  void cut_off_sink() { sink_->cut_off(); }
  std::size_t stop_sink(std::chrono::milliseconds deadline) { return sink_->stop(deadline); }

  const std::string& name() const noexcept { return settings_.name; }
  std::string last_error() const;
  Breaker::State breaker() const noexcept { return breaker_; }
  bool stalled() const noexcept { return stalled_; }  // too many orders wait: it reads no further

 private:
  struct Mailbox;  // what other threads tell
  struct News;
  struct Request {
    Ask what = Ask::requeue;
    std::deque<queue::RowId> ids;  // not looked at yet
    Granted granted;
    std::uint64_t sequence = 0;  // of the marks that make it durable
    std::promise<Granted> answer;
  };
  struct Erasure {
    std::vector<queue::RowId> ids;
    std::promise<void> done;
  };
  struct Asked {
    std::uint32_t replay = 0;    // its number
    std::uint64_t sequence = 0;  // until these marks are durable, only we know of it
  };
  struct Flight {
    std::shared_ptr<const sink::Delivery> delivery;
    SteadyTime began;
  };

  void turn(News& news);
  std::exception_ptr go_on();  // the first thing that went wrong
  void warn_if_stalled();
  void forget(Erasure& erasure);
  void let_order_go_on(queue::RowId id);
  void land(queue::RowId id, const sink::Outcome& outcome);
  void read();  // some pages of what the lanes want
  void read_page();
  void take_in(queue::StoredEvent&& stored);
  void read_back();
  void offer(const Offer& next);
  void begin(const Offer& offer);
  void withdraw(queue::RowId id, const std::exception& error);
  void grant();
  bool grant(Request& request);
  bool apply(const Request& request, queue::RowId id, queue::ShortHash lane);
  std::uint32_t replay_number(queue::RowId id);
  void give_up_old();
  void look_at_age();
  bool is_unwanted_repeat(const queue::StoredEvent& stored, const event::Marks& marks);
  SteadyTime wake_at() const;

  const FeedSettings settings_;
  std::unique_ptr<queue::Reader> reader_;
  std::unique_ptr<sink::Sink> sink_;
  const Mark mark_;
  const DeliveryObserver observer_;
  Clock& clock_;
  Log& log_;
  Upcoming upcoming_{*reader_};
  Lanes lanes_;
  queue::RowId durable_ = 0;
  bool stopping_ = false;
  bool more_to_read_ = false;
  std::atomic<bool> stalled_{false};
  std::deque<Request> requests_;  // not answered yet
  bool any_replays_ = false;      // ever
  std::map<queue::RowId, Asked> asked_;
  std::map<queue::RowId, std::uint64_t> fresh_dead_;  // by the marks that make it durable
  SteadyTime look_at_age_{};
  std::optional<queue::RowId> too_old_;  // everything up to here is
  bool more_too_old_ = false;
  std::map<queue::RowId, Flight> flights_;
  queue::Reader::Page page_;          // read, and taken in before page_at_
  std::size_t page_at_ = 0;           // the rest waits for the lanes to want it
  queue::RowId page_end_ = 0;         // up to where it says all
  std::shared_ptr<Mailbox> mailbox_;  // outlives the feed in the hands of a sink

  std::atomic<Breaker::State> breaker_ = Breaker::State::closed;
  mutable std::mutex mutex_;
  std::string last_error_;
};

}  // namespace wxpush::dispatch
