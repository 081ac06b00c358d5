#include "handlers/dispatch/feed.h"

#include "handlers/queue/selection.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <iterator>
#include <random>
#include <utility>
#include <vector>

namespace wxpush::dispatch {
namespace {

constexpr std::size_t page_rows = 64;      // acknowledgements may wait for the processor meanwhile
constexpr std::size_t pages_at_once = 32;  // then outcomes are heard

double uniform() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace

struct Feed::News {
  std::vector<std::pair<queue::RowId, sink::Outcome>> outcomes;
  std::vector<Request> requests;
  std::vector<Erasure> erasures;
  queue::RowId durable = 0;
  std::uint64_t committed = 0;
  bool stopping = false, abandoned = false;
};

struct Feed::Mailbox {
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
  // What is new, at the latest at this time by the clock.
  News wait(Clock& clock, SteadyTime until) {
    std::unique_lock lock(mutex);
    if (!fresh && until == SteadyTime::max()) {
      changed.wait(lock, [this] { return fresh; });
    } else if (!fresh) {
      changed.wait_for(lock, until - clock.steady(), [this] { return fresh; });
    }
    fresh = false;
    return std::exchange(news, {});
  }
};

Feed::Feed(FeedSettings settings, std::unique_ptr<queue::Reader> reader,
           std::unique_ptr<sink::Sink> sink, Mark mark, DeliveryObserver observer, Clock& clock,
           Log& log)
    : settings_(std::move(settings)),
      reader_(std::move(reader)),
      sink_(std::move(sink)),
      mark_(std::move(mark)),
      observer_(std::move(observer)),
      clock_(clock),
      log_(log),
      lanes_(settings_.lanes, reader_->lane_state(settings_.number, settings_.lanes.hold_on_dead),
             clock.wall(), clock.steady()),
      any_replays_(reader_->any_replays(settings_.number)),
      mailbox_(std::make_shared<Mailbox>()) {}

Feed::~Feed() = default;

void Feed::wake(queue::RowId durable_id) {
  mailbox_->tell([&](News& news) { news.durable = std::max(news.durable, durable_id); });
}
void Feed::committed(std::uint64_t sequence) {
  mailbox_->tell([&](News& news) { news.committed = std::max(news.committed, sequence); });
}
std::future<Granted> Feed::ask(Ask what, std::vector<queue::RowId> ids) {
  Request request;
  request.what = what;
  request.ids.assign(ids.begin(), ids.end());
  auto answer = request.answer.get_future();
  mailbox_->tell([&](News& news) { news.requests.push_back(std::move(request)); });
  return answer;
}
std::future<void> Feed::let_go_of(std::vector<queue::RowId> erased) {
  Erasure erasure{std::move(erased), {}};
  auto done = erasure.done.get_future();
  mailbox_->tell([&](News& news) { news.erasures.push_back(std::move(erasure)); });
  return done;
}
void Feed::stop() {
  mailbox_->tell([](News& news) { news.stopping = true; });
}
void Feed::abandon() {
  mailbox_->tell([](News& news) { news.abandoned = true; });
}

std::string Feed::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

void Feed::run() {
  SteadyTime until = clock_.steady();
  for (;;) {
    News news = mailbox_->wait(clock_, until);
    if (news.abandoned) return;
    try {
      turn(news);
      until = wake_at();
    } catch (const std::exception& error) {
      // The store could not be read: the queue itself decides whether that is final. Try again, not
      // in a hot loop.
      log_.error("cannot read the store for a handler",
                 {{"handler", settings_.name}, {"error", error.what()}});
      {
        const std::lock_guard lock(mutex_);
        last_error_ = std::string("the store cannot be read: ") + error.what();
      }
      until = clock_.steady() + std::chrono::seconds(1);
    }
    if (stopping_ && flights_.empty()) return;
  }
}

SteadyTime Feed::wake_at() const {
  if (stopping_) return SteadyTime::max();
  if (more_to_read_ || (more_too_old_ && lanes_.has_room())) return clock_.steady();
  const auto lanes = lanes_.wake_at();
  return settings_.max_backlog_age.count() > 0 ? std::min(lanes, look_at_age_) : lanes;
}

void Feed::turn(News& news) {
  stopping_ = stopping_ || news.stopping;
  durable_ = std::max(durable_, news.durable);
  lanes_.committed(news.committed);
  for (const auto& [id, outcome] : news.outcomes) land(id, outcome);
  for (auto& erasure : news.erasures) forget(erasure);
  std::move(news.requests.begin(), news.requests.end(), std::back_inserter(requests_));
  std::exception_ptr unreadable;
  if (stopping_) {
    requests_.clear();
  } else {
    unreadable = go_on();
  }
  if (auto marks = lanes_.take_marks()) mark_(std::move(*marks));
  breaker_ = lanes_.breaker();
  warn_if_stalled();
  if (unreadable) std::rethrow_exception(unreadable);
}

// Each step by itself: a page that cannot be read holds up the events that lie on it and what comes
// behind them, but neither what was read before nor the marks of what is done.
std::exception_ptr Feed::go_on() {
  std::exception_ptr first;
  const auto attempt = [&](const auto& step) {
    try {
      step();
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  };
  attempt([this] { grant(); });
  attempt([this] { read_back(); });
  attempt([this] { read(); });
  attempt([this] { give_up_old(); });
  while (const auto next = lanes_.next(clock_.steady())) attempt([&] { offer(*next); });
  return first;
}

void Feed::warn_if_stalled() {
  const bool was_stalled = stalled_.exchange(lanes_.stalled());
  if (was_stalled || !stalled_) return;
  log_.warning(
      "too many orders wait for this handler: it reads no further until some are through",
      {{"handler", settings_.name}, {"lanes", lanes_.lanes()}, {"parked", lanes_.parked()}});
}

// What was read of them is let go of and read again: the store knows which of them it still has.
void Feed::forget(Erasure& erasure) {
  for (const queue::RowId id : erasure.ids) upcoming_.drop(id);
  page_ = {};
  page_at_ = 0;
  for (const queue::RowId id : erasure.ids) let_order_go_on(id);
  erasure.done.set_value();
}

// A dead letter that was erased holds its order no longer: nobody could discard it.
void Feed::let_order_go_on(queue::RowId id) {
  if (!settings_.lanes.hold_on_dead || !lanes_.stops(id)) return;
  try {
    if (!reader_->find(id)) lanes_.erased(id);
  } catch (const std::exception& error) {  // a damaged page
    log_.warning("whether a dead letter is still stored cannot be read: it holds its order",
                 {{"handler", settings_.name}, {"id", id}, {"error", error.what()}});
  }
}

void Feed::land(queue::RowId id, const sink::Outcome& outcome) {
  const auto flight = flights_.find(id);
  if (flight == flights_.end()) return;
  const auto [delivery, began] = std::move(flight->second);
  flights_.erase(flight);
  const auto now = clock_.steady();
  bool dead = false;
  if (outcome) {
    dead = lanes_.failed(id, *outcome, clock_.wall(), now, uniform()).dead;
    if (dead && settings_.remove_repeats) fresh_dead_[id] = lanes_.sequence() + 1;
    if (dead) let_order_go_on(id);  // it may have been erased while this attempt was under way
  } else {
    lanes_.delivered(id);
  }
  const std::string error = outcome ? outcome->error : std::string{};
  if (observer_.attempted) {
    observer_.attempted(
        {settings_.name, delivery->stored, delivery->attempt, error, dead, now - began});
  }
  const std::lock_guard lock(mutex_);
  last_error_ = error;
}

// In the order in which they came; what is granted is told once it is durable.
void Feed::grant() {
  std::erase_if(asked_, [&](const auto& one) { return one.second.sequence <= lanes_.durable(); });
  std::erase_if(fresh_dead_, [&](const auto& one) { return one.second <= lanes_.durable(); });
  for (Request& request : requests_) {
    if (!grant(request)) break;
  }
  while (!requests_.empty() && requests_.front().ids.empty() &&
         requests_.front().sequence <= lanes_.durable()) {
    requests_.front().answer.set_value(requests_.front().granted);
    requests_.pop_front();
  }
}

// Few at a time, so that a commit stays short: the next ones follow when these are durable.
bool Feed::grant(Request& request) {
  while (!request.ids.empty()) {
    if (!lanes_.takes_requests()) return false;
    const queue::RowId id = request.ids.front();
    request.ids.pop_front();
    // What was asked for and is not durable yet stands otherwise in the store.
    const bool known = id <= lanes_.read_through() && !asked_.contains(id);
    const auto lane = known ? grantable(*reader_, settings_.name, id, request.what) : std::nullopt;
    if (lane && apply(request, id, *lane)) {
      ++request.granted.done;
      request.sequence = lanes_.sequence() + 1;
    } else {
      ++request.granted.passed_over;
    }
  }
  return true;
}

bool Feed::apply(const Request& request, queue::RowId id, queue::ShortHash lane) {
  const bool replay = request.what == Ask::replay;
  if (request.what == Ask::discard) {
    lanes_.discard(id, lane);
  } else if (!lanes_.requeue(id, lane, replay)) {
    return false;
  }
  asked_[id] = {replay ? replay_number(id) + 1 : 0, lanes_.sequence() + 1};
  any_replays_ = any_replays_ || replay;
  return true;
}

std::uint32_t Feed::replay_number(queue::RowId id) {
  if (!any_replays_) return 0;
  const auto ours = asked_.find(id);
  return ours != asked_.end() && ours->second.replay != 0 ? ours->second.replay
                                                          : reader_->replays(settings_.number, id);
}

// How far events are too old is looked up once a second; giving them up goes on as there is room.
void Feed::give_up_old() {
  if (settings_.max_backlog_age.count() == 0) return;
  if (clock_.steady() >= look_at_age_) look_at_age();
  if (!more_too_old_ || !lanes_.has_room()) return;
  const auto given_up = lanes_.give_up(*too_old_, "it waited longer than max_backlog_age");
  more_too_old_ = !given_up.empty();
  if (given_up.empty()) return;
  if (settings_.remove_repeats) {
    for (const queue::RowId id : given_up) fresh_dead_[id] = lanes_.sequence() + 1;
  }
  for (const queue::RowId id : given_up) let_order_go_on(id);
  if (observer_.unoffered) observer_.unoffered(settings_.name, Unoffered::too_old, given_up.size());
}

// From the oldest that waits on, a page of rows at a time.
void Feed::look_at_age() {
  if (!too_old_) {
    const auto listed = reader_->oldest_listed(settings_.number);
    too_old_ = listed == 0 ? lanes_.cursor() : std::min(listed - 1, lanes_.cursor());
  }
  const auto before = too_old_;
  const auto limit = settings_.retention_time() - settings_.max_backlog_age;
  too_old_ = reader_->last_before(limit, *too_old_);
  look_at_age_ = clock_.steady();
  if (too_old_ == before) look_at_age_ += std::chrono::seconds(1);
  more_too_old_ = true;  // also what was read back since the last time
}

// Only if the first of them reached this handler: what was lost on the way must not take its repeat
// with it. It comes before in the same lane, so that it is delivered or dead; what the store says
// of it may not be durable yet.
bool Feed::is_unwanted_repeat(const queue::StoredEvent& stored, const event::Marks& marks) {
  if (!settings_.remove_repeats || marks.repeat_of == 0 || replay_number(stored.id) > 0)
    return false;
  const auto first = reader_->find(marks.repeat_of);
  if (!first) return false;
  const auto deliveries = reader_->deliveries(*first);
  return std::ranges::any_of(deliveries, [&](const queue::Delivery& one) {
    return one.handler == settings_.name && one.state != queue::DeliveryState::dead &&
           !fresh_dead_.contains(first->id);
  });
}

void Feed::read() {
  more_to_read_ = false;
  for (std::size_t pages = 0; lanes_.wants_events() && lanes_.read_through() < durable_; ++pages) {
    if (pages == pages_at_once) {
      more_to_read_ = true;
      return;
    }
    if (page_at_ == page_.events.size()) read_page();
    for (; page_at_ < page_.events.size(); ++page_at_) {
      if (!lanes_.wants_events()) return;
      take_in(std::move(page_.events[page_at_]));
    }
    lanes_.read_on_to(page_end_);
  }
}

void Feed::read_page() {
  queue::EventFilter filter;
  filter.after = lanes_.read_through();
  filter.until = durable_;
  page_ = reader_->events(filter, page_rows);
  page_at_ = 0;
  page_end_ = page_.end ? filter.until : page_.next_after;
}

void Feed::take_in(queue::StoredEvent&& stored) {
  if (!queue::selects(settings_.apps, settings_.events, stored.app, stored.type)) {
    lanes_.read_on_to(stored.id);
    return;
  }
  lanes_.read(stored.id, queue::lane_of(stored.event_id, stored.order_key));
  upcoming_.keep(std::move(stored));
}

void Feed::read_back() {
  while (const auto wanted = lanes_.wants_parked()) {
    lanes_.unpark(*wanted,
                  reader_->parked(settings_.number, wanted->lane, wanted->after, wanted->limit));
  }
}

void Feed::offer(const Offer& next) {
  try {
    begin(next);
  } catch (const std::exception& error) {
    withdraw(next.id, error);
    throw;
  }
}

// The store could not be read, or there is no memory: the event waits like one that failed.
void Feed::withdraw(queue::RowId id, const std::exception& error) {
  flights_.erase(id);
  sink::Failure failure;
  failure.error = std::string("not offered: ") + error.what();
  lanes_.failed(id, failure, clock_.wall(), clock_.steady(), uniform());
}

void Feed::begin(const Offer& offer) {
  auto delivery = upcoming_.take(offer.id);
  if (!delivery) {  // only an operator's hand can have erased what is not settled
    log_.error("an event that waits for a handler is no longer stored: it is passed over",
               {{"handler", settings_.name}, {"id", offer.id}});
    lanes_.passed_over(offer.id);
    return;
  }
  delivery->attempt = offer.attempt;
  delivery->replay = replay_number(offer.id);
  if (is_unwanted_repeat(delivery->stored, delivery->marks)) {
    lanes_.passed_over(offer.id);
    if (observer_.unoffered) observer_.unoffered(settings_.name, Unoffered::repeat, 1);
    return;
  }
  if (offer.attempt == 1 && observer_.marked)
    observer_.marked(delivery->stored.app, delivery->marks);
  flights_.emplace(offer.id, Flight{delivery, clock_.steady()});
  sink_->offer(delivery, [mailbox = mailbox_, id = offer.id](sink::Outcome outcome) {
    mailbox->tell([&](News& news) { news.outcomes.emplace_back(id, std::move(outcome)); });
  });
}

}  // namespace wxpush::dispatch
