#include "handlers/dispatch/feed.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <random>
#include <utility>

namespace wxpush::dispatch {
namespace {

double uniform() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

bool selects(const std::vector<std::string>& patterns, const std::string& type) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return event::matches_type(pattern, type); });
}

}  // namespace

std::chrono::milliseconds retry_delay(unsigned attempt, double jitter) {
  constexpr double shortest = 500;
  constexpr double longest = 30000;
  const double bound = std::min(longest, shortest * std::exp2(std::min(attempt - 1, 16U)));
  return std::chrono::milliseconds(static_cast<std::int64_t>(bound * jitter));
}

Feed::Feed(sink::CallbackHandler handler, queue::RowId cursor,
           std::unique_ptr<queue::Reader> reader, Settle settle, DeliveryObserver observer,
           Log& log)
    : handler_(std::move(handler)),
      reader_(std::move(reader)),
      settle_(std::move(settle)),
      observer_(std::move(observer)),
      log_(log),
      cursor_(cursor) {}

void Feed::run() {
  while (wait_for_events()) {
    try {
      offer_page();
    } catch (const std::exception& error) {
      // The store could not be read: the queue itself decides whether that is final. Try again, not
      // in a hot loop.
      log_.error("cannot read the store for a handler",
                 {{"handler", handler_.name}, {"error", error.what()}});
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::seconds(1), [this] { return stopped_; });
    }
  }
}

void Feed::wake(queue::RowId durable_id) {
  {
    const std::lock_guard lock(mutex_);
    durable_ = std::max(durable_, durable_id);
  }
  changed_.notify_all();
}

void Feed::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

std::string Feed::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

bool Feed::wait_for_events() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopped_ || durable_ > cursor_; });
  return !stopped_;
}

void Feed::offer_page() {
  queue::EventFilter filter;
  filter.after = cursor_;
  {
    const std::lock_guard lock(mutex_);
    filter.until = durable_;
  }
  const auto page = reader_->events(filter);
  for (const auto& stored : page.events) {
    if (selected(stored) && !offer(stored)) return;
    settle(stored.id);
  }
  settle(page.end ? filter.until : page.next_after);
}

bool Feed::offer(const queue::StoredEvent& stored) {
  for (unsigned number = 1;; ++number) {
    {
      const std::lock_guard lock(mutex_);
      if (stopped_) return false;
    }
    if (attempt(stored, number)) return true;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, retry_delay(number, uniform()), [this] { return stopped_; });
  }
}

bool Feed::attempt(const queue::StoredEvent& stored, unsigned number) {
  const auto message = event::read_message(stored.appid, stored.body);
  const sink::Delivery delivery{stored, message, marks(stored, message), number};
  if (number == 1 && observer_.marked) observer_.marked(stored.app, delivery.marks);
  std::string error;
  const auto begun = std::chrono::steady_clock::now();
  try {
    handler_.call(delivery);
  } catch (const std::exception& failure) {
    error = failure.what();
    if (error.empty()) error = "an exception without a text";  // empty means done
  } catch (...) {
    error = "an exception of unknown type";
  }
  const auto took = std::chrono::steady_clock::now() - begun;
  if (observer_.attempted) observer_.attempted({handler_.name, stored, number, error, took});
  const std::lock_guard lock(mutex_);
  last_error_ = error;
  return error.empty();
}

bool Feed::selected(const queue::StoredEvent& stored) const {
  const bool app = handler_.apps.empty() || std::find(handler_.apps.begin(), handler_.apps.end(),
                                                      stored.app) != handler_.apps.end();
  return app && selects(handler_.events, stored.type);
}

event::Marks Feed::marks(const queue::StoredEvent& stored, const event::Message& message) {
  if (!message.waybill_status || stored.order_key.empty()) return {};
  return event::marks_of(history_.before(stored),
                         {stored.id, message.business_key, *message.waybill_status});
}

void Feed::settle(queue::RowId through) {
  if (through <= cursor_) return;
  cursor_ = through;
  settle_(through);
}

}  // namespace wxpush::dispatch
