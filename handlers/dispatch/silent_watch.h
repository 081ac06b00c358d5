#pragma once
// Watches stored orders for the push that never comes, and stores an event of our own,
// wxpush.order_silent, when one is overdue (docs/events.md, "Silent orders"). The decisions are
// those of silent_orders.h; this is the thread around them, with a reader of its own.
//
// Built from its limits, started once, stopped once; other limits are another watch. A new watch
// reads back what was stored within the largest limit and a day, so that a silence is noticed over
// a restart: its age is taken from the wall clock once, from then on steady time counts.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/dispatch/silent_orders.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace wxpush::dispatch {

class SilentWatch {
 public:
  // Nothing is told within this time after the start, or the smallest limit if that is less: pushes
  // that were held back while nobody served may still arrive.
  static constexpr std::chrono::seconds grace{60};
  static constexpr std::chrono::hours read_back_beyond_limit{24};
  static constexpr queue::RowId most_read_back = 1'000'000;  // events
  static constexpr std::size_t most_at_once = 64;            // appended and not yet durable

  // queue::Queue::append.
  using Append = std::function<void(queue::NewEvent event, queue::AppendCallback done)>;
  // One was stored, and was not before. Called on the watch's thread.
  using Told = std::function<void(const std::string& app)>;

  // `limits`: at least one. `durable`: the newest event in the store now. `clock` and `log` outlive
  // it.
  SilentWatch(const SilentOrders::Limits& limits, queue::RowId durable,
              std::unique_ptr<queue::Reader> reader, Append append, Told told, Clock& clock,
              Log& log);
  ~SilentWatch();  // stop()
  SilentWatch(const SilentWatch&) = delete;
  SilentWatch& operator=(const SilentWatch&) = delete;

  void start();
  // Events up to this are durable. Thread-safe, short.
  void wake(queue::RowId durable_id);
  // Returns when its thread has ended, which waits for nobody. What it appended may be stored
  // later; nothing is called any more. Idempotent.
  void stop();

  // What the thread does each time something happened: answers when it wants to be called again at
  // the latest. For tests, which call it instead of start().
  SteadyTime turn();
  bool ended() const noexcept { return ended_; }  // the store failed

 private:
  struct Mailbox;
  struct News;
  struct Telling {  // on its way to the disk
    SilentOrders::Overdue overdue;
    event::EventId event_id;
    std::string app, order_key, waybill_id;
    int order_status = 0;
  };
  void run();
  void hear(const News& news);
  queue::RowId read_back_from();
  bool read();  // some pages; true: all that is durable was read
  void see(const queue::StoredEvent& stored);
  void tell();
  void tell(const SilentOrders::Overdue& overdue);
  void heard(const Telling& telling, const queue::Appended& appended);

  const std::chrono::milliseconds horizon_;  // what is read back
  const WallTime started_wall_;
  const SteadyTime started_steady_;
  const queue::RowId first_durable_;  // up to here it is read back
  std::unique_ptr<queue::Reader> reader_;
  const Append append_;
  const Told told_;
  Clock& clock_;
  Log& log_;
  SilentOrders orders_;
  queue::RowId durable_;
  queue::RowId read_through_ = 0;
  bool found_start_ = false;
  std::map<queue::RowId, Telling> in_flight_;  // by the status's id
  bool ended_ = false;
  std::uint64_t dropped_told_ = 0;
  std::shared_ptr<Mailbox> mailbox_;  // outlives the watch in the queue's callbacks
  std::thread thread_;
};

}  // namespace wxpush::dispatch
