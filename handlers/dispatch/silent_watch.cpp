#include "handlers/dispatch/silent_watch.h"

#include "handlers/event/message.h"
#include "handlers/event/order_silent.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

namespace wxpush::dispatch {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t pages_at_once = 8;       // then what else is new is heard
constexpr queue::RowId look_back_rows = 2000;  // between two looks for where to begin
constexpr std::chrono::seconds retry_after{5};

milliseconds smallest(const SilentOrders::Limits& limits) {
  auto least = milliseconds::max();
  for (const auto& [status, limit] : limits) least = std::min(least, limit);
  return least;
}
milliseconds largest(const SilentOrders::Limits& limits) {
  milliseconds most{0};
  for (const auto& [status, limit] : limits) most = std::max(most, limit);
  return most;
}

// The event that says that nothing came after `stored`, which is a status.
queue::NewEvent silent_event(const queue::StoredEvent& stored, const event::Message& message,
                             milliseconds limit, WallTime now) {
  const auto& status = *message.waybill_status;
  const auto received = std::chrono::floor<std::chrono::seconds>(stored.received_at);
  queue::NewEvent event;
  event.body = event::write_order_silent(
      {.shopid = status.shopid,
       .shop_order_id = status.shop_order_id,
       .shop_no = status.shop_no,
       .waybill_id = status.waybill_id,
       .order_status = status.order_status,
       .action_time = status.action_time,
       .create_time = message.event_time.value_or(received.time_since_epoch().count()),
       .after = std::chrono::duration_cast<std::chrono::seconds>(limit),
       .last_event_id = stored.event_id});
  const auto read = event::read_message(stored.appid, event.body);
  event.event_id = event::make_event_id(stored.appid, event.body);
  event.app = stored.app;
  event.appid = stored.appid;
  event.type = read.type;
  event.order_key = read.order_key;
  event.kind = read.kind;
  event.received_at = now;
  if (read.event_time) event.event_time = WallTime(std::chrono::seconds(*read.event_time));
  return event;
}

}  // namespace

struct SilentWatch::News {
  queue::RowId durable = 0;
  std::vector<std::pair<queue::RowId, queue::Appended>> appended;
  bool stopping = false;
};

struct SilentWatch::Mailbox {
  std::mutex mutex;
  std::condition_variable changed;
  News news;
  bool fresh = false;

  template <class Change>
  void tell(const Change& change) {
    {
      const std::lock_guard lock(mutex);
      change(news);
      fresh = true;
    }
    changed.notify_one();
  }
  News take() {
    const std::lock_guard lock(mutex);
    fresh = false;
    return std::exchange(news, News{.durable = 0, .appended = {}, .stopping = news.stopping});
  }
  // Until something is new, at the latest until then by the clock. False: the watch is to end.
  bool wait(Clock& clock, SteadyTime until) {
    std::unique_lock lock(mutex);
    if (until == SteadyTime::max()) {
      changed.wait(lock, [this] { return fresh; });
    } else {
      changed.wait_for(lock, until - clock.steady(), [this] { return fresh; });
    }
    return !news.stopping;
  }
};

SilentWatch::SilentWatch(const SilentOrders::Limits& limits, queue::RowId durable,
                         std::unique_ptr<queue::Reader> reader, Append append, Told told,
                         Clock& clock, Log& log)
    : horizon_(largest(limits) + read_back_beyond_limit),
      started_wall_(clock.wall()),
      started_steady_(clock.steady()),
      first_durable_(durable),
      reader_(std::move(reader)),
      append_(std::move(append)),
      told_(std::move(told)),
      clock_(clock),
      log_(log),
      orders_(limits, started_steady_ + std::min<milliseconds>(grace, smallest(limits))),
      durable_(durable),
      mailbox_(std::make_shared<Mailbox>()) {}

SilentWatch::~SilentWatch() {
  stop();
}

void SilentWatch::start() {
  thread_ = std::thread([this] { run(); });
}

void SilentWatch::wake(queue::RowId durable_id) {
  mailbox_->tell([&](News& news) { news.durable = std::max(news.durable, durable_id); });
}

void SilentWatch::stop() {
  mailbox_->tell([](News& news) { news.stopping = true; });
  if (thread_.joinable()) thread_.join();
}

void SilentWatch::run() {
  for (SteadyTime until = clock_.steady(); !ended_ && mailbox_->wait(clock_, until);) {
    try {
      until = turn();
    } catch (const std::exception& error) {
      // The store could not be read: the queue itself decides whether that is final.
      log_.error("cannot read the store to watch for silent orders", {{"error", error.what()}});
      until = clock_.steady() + retry_after;
    }
  }
}

SteadyTime SilentWatch::turn() {
  hear(mailbox_->take());
  if (ended_) return SteadyTime::max();
  if (!read()) return clock_.steady();  // there may be news of what seems overdue
  tell();
  return in_flight_.size() < most_at_once ? orders_.next_due() : SteadyTime::max();
}

void SilentWatch::hear(const News& news) {
  durable_ = std::max(durable_, news.durable);
  for (const auto& [id, appended] : news.appended) {
    const auto telling = in_flight_.extract(id);
    if (!telling.empty()) heard(telling.mapped(), appended);
  }
}

// A place below which all is older than what counts, roughly: times need not rise with ids, so what
// is read is still judged one by one.
queue::RowId SilentWatch::read_back_from() {
  const WallTime since = started_wall_ - horizon_;
  const queue::RowId least = first_durable_ > most_read_back ? first_durable_ - most_read_back : 0;
  queue::RowId after = first_durable_;
  while (after > least) {
    after -= std::min(after - least, look_back_rows);
    queue::EventFilter filter;
    filter.after = after;
    filter.until = after + look_back_rows;
    const auto page = reader_->events(filter, 1);
    if (!page.events.empty() && page.events.front().received_at < since) break;
  }
  return after;
}

bool SilentWatch::read() {
  if (!found_start_) read_through_ = read_back_from();
  found_start_ = true;
  for (std::size_t pages = 0; read_through_ < durable_; ++pages) {
    if (pages == pages_at_once) return false;
    queue::EventFilter filter;
    filter.after = read_through_;
    filter.until = durable_;
    if (read_through_ < first_durable_) {
      filter.until = first_durable_;
      filter.since = started_wall_ - horizon_;
    }
    const auto page = reader_->events(filter);
    for (const auto& stored : page.events) see(stored);
    read_through_ = page.end ? filter.until : page.next_after;
  }
  if (orders_.dropped() > dropped_told_) {
    log_.warning("more orders are open than can be watched for silence: the oldest are not",
                 {{"watched", orders_.watched()}, {"not_watched", orders_.dropped()}});
    dropped_told_ = orders_.dropped() * 2;  // not a line for each
  }
  return true;
}

void SilentWatch::see(const queue::StoredEvent& stored) {
  if (stored.type == event::order_silent_type) {
    if (const auto silence = event::read_order_silent(stored.body)) {
      orders_.was_told({stored.order_key, silence->waybill_id,
                        event::progress_of(silence->action_time, silence->order_status)});
    }
    return;
  }
  if (stored.type != "update_waybill_status") return;
  const auto message = event::read_message(stored.appid, stored.body);
  if (!message.waybill_status) return;
  const auto& status = *message.waybill_status;
  SteadyTime since = clock_.steady();
  if (stored.id <= first_durable_)
    since = started_steady_ - std::max(started_wall_ - stored.received_at, milliseconds(0));
  orders_.saw({stored.order_key, status.waybill_id, progress_of(status)}, stored.id, since);
}

void SilentWatch::tell() {
  while (in_flight_.size() < most_at_once) {
    const auto overdue = orders_.take(clock_.steady());
    if (!overdue) return;
    try {
      tell(*overdue);
    } catch (...) {  // the store could not be read
      orders_.put_back(*overdue, clock_.steady() + retry_after);
      throw;
    }
  }
}

void SilentWatch::tell(const SilentOrders::Overdue& overdue) {
  const auto stored = reader_->find(overdue.id);
  if (!stored) return;  // erased meanwhile: its retention is over
  const auto message = event::read_message(stored->appid, stored->body);
  if (!message.waybill_status) return;
  auto event = silent_event(*stored, message, overdue.limit, clock_.wall());
  in_flight_[overdue.id] = {overdue,
                            event.event_id,
                            event.app,
                            event.order_key,
                            message.waybill_status->waybill_id,
                            message.waybill_status->order_status};
  append_(std::move(event), [mailbox = mailbox_, id = overdue.id](const queue::Appended& appended) {
    mailbox->tell([&](News& news) { news.appended.emplace_back(id, appended); });
  });
}

void SilentWatch::heard(const Telling& telling, const queue::Appended& appended) {
  if (appended.error == queue::QueueError::store_failed ||
      appended.error == queue::QueueError::stopped) {
    ended_ = true;
  } else if (appended.error) {  // too much waits for the disk, or it is full
    orders_.put_back(telling.overdue, clock_.steady() + retry_after);
  } else if (!appended.duplicate) {
    log_.warning("an order is silent: no further push came within the limit for its status",
                 {{"app", telling.app},
                  {"order_key", telling.order_key},
                  {"waybill_id", telling.waybill_id},
                  {"order_status", telling.order_status},
                  {"silent_after_ms", telling.overdue.limit.count()},
                  {"event_id", event::to_string(telling.event_id)},
                  {"remedy", "ask WeChat's getOrder, or the carrier, what became of it"}});
    if (told_) told_(telling.app);
  }
}

}  // namespace wxpush::dispatch
