#pragma once
// One handler's feed: reads what its lanes want, offers what they allow, and hands their marks to
// the writer. The decisions are the lanes' (lanes.h); this is the thread around them. It never
// waits for a handler, only for what happens next.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/dispatch/lanes.h"
#include "handlers/dispatch/order_history.h"
#include "handlers/queue/reader.h"
#include "handlers/sink/sink.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
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

// Called on the feed's thread.
struct DeliveryObserver {
  std::function<void(const Attempt& attempt)> attempted;
  std::function<void(const std::string& app, const event::Marks& marks)> marked;
};

// What the feed has to make durable; committed() is to follow.
using Mark = std::function<void(queue::LaneMarks marks)>;

struct FeedSettings {
  std::string name;
  std::vector<std::string> apps;    // names; empty = all
  std::vector<std::string> events;  // lower-case types, a trailing * allowed; empty = all
  std::uint32_t number = 0;         // in the store
  LaneSettings lanes;
};

struct DeadLetterKey {
  queue::RowId id = 0;
  queue::ShortHash lane = 0;
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
  void wake(queue::RowId durable_id);                // events up to this are durable
  void committed(std::uint64_t sequence);            // marks up to this are
  void requeue(std::vector<DeadLetterKey> letters);  // dead letters, to be offered again
  void discard(std::vector<DeadLetterKey> letters);  // dead letters, to be forgotten
  void stop();                                       // no further attempt begins
  void abandon();                                    // nor is anything in flight waited for
  std::size_t stop_sink(std::chrono::milliseconds deadline) { return sink_->stop(deadline); }

  const std::string& name() const noexcept { return settings_.name; }
  std::string last_error() const;
  Breaker::State breaker() const noexcept { return breaker_; }

 private:
  struct Mailbox;  // what other threads tell
  struct News;
  struct Flight {
    std::shared_ptr<const sink::Delivery> delivery;
    SteadyTime began;
  };

  void turn(const News& news);
  void land(queue::RowId id, const sink::Outcome& outcome);
  void read();  // some pages of what the lanes want
  void read_back();
  void offer();
  void begin(const Offer& offer);
  void withdraw(queue::RowId id, const std::exception& error);
  void change_dead_letters();
  std::optional<queue::StoredEvent> event(queue::RowId id);
  event::Marks marks(const queue::StoredEvent& stored, const event::Message& message);
  void keep(queue::StoredEvent&& stored);

  const FeedSettings settings_;
  std::unique_ptr<queue::Reader> reader_;
  std::unique_ptr<sink::Sink> sink_;
  const Mark mark_;
  const DeliveryObserver observer_;
  Clock& clock_;
  Log& log_;
  OrderHistory history_{*reader_};
  Lanes lanes_;
  queue::RowId durable_ = 0;
  bool stopping_ = false;
  bool more_to_read_ = false;
  bool stalled_ = false;
  std::deque<DeadLetterKey> requeued_, discarded_;  // asked for, and not done yet
  std::map<queue::RowId, Flight> flights_;
  std::map<queue::RowId, queue::StoredEvent> cache_;  // read, and perhaps to be offered soon
  std::size_t cache_bytes_ = 0;
  std::shared_ptr<Mailbox> mailbox_;  // outlives the feed in the hands of a sink

  std::atomic<Breaker::State> breaker_ = Breaker::State::closed;
  mutable std::mutex mutex_;
  std::string last_error_;
};

}  // namespace wxpush::dispatch
