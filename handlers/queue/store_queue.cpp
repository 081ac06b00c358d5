#include "handlers/queue/store_queue.h"

#include "handlers/base/thread_name.h"
#include "handlers/queue/store_reader.h"

#include <stdexcept>
#include <utility>

namespace wxpush::queue {

std::unique_ptr<Queue> Queue::open(const QueueSettings& settings, Clock& clock, Disk& disk,
                                   Log& log) {
  try {
    return std::make_unique<StoreQueue>(settings, clock, disk, log);
  } catch (const SqliteError& error) {  // what it starts with lies on a damaged page
    const std::string what = "cannot open the store " + settings.directory.string() + ": ";
    throw StoreOpenError(error.exit_code(), what + error.what() + look_closer);
  }
}

StoreQueue::StoreQueue(const QueueSettings& settings, Clock& clock, Disk& disk, Log& log,
                       const StoreOptions& options)
    : settings_(settings),
      clock_(clock),
      log_(log),
      inbox_(clock, settings.append_queue, settings.append_queue_bytes),
      store_(std::make_unique<Store>(settings, clock, disk, log, options)),
      writer_(settings_, *store_, inbox_, board_, clock, log, options) {
  board_.set(store_->handlers.all());
  orders_ = {store_->known.recent().orders(), store_->generations.orders()};
}

StoreQueue::~StoreQueue() {
  StoreQueue::stop();
}

HandlerRecord StoreQueue::register_handler(const std::string& name,
                                           const std::vector<std::string>& apps,
                                           const std::vector<std::string>& events, bool oldest,
                                           const std::string& renamed_from) {
  const std::lock_guard lock(life_);
  change("register the handler " + name, [&] {
    store_->handlers.enrol({.name = name,
                            .apps = apps,
                            .events = events,
                            .begin = oldest ? 0 : store_->next_id - 1,
                            .renamed_from = renamed_from,
                            .now = stored(clock_.wall())});
  });
  for (HandlerRecord& record : board_.handlers()) {
    if (record.name == name) return std::move(record);
  }
  throw std::logic_error("a handler that was registered is not known");
}

bool StoreQueue::retire_handler(const std::string& name) {
  const std::lock_guard lock(life_);
  bool done = true;
  change("change the handler " + name, [&] {
    const HandlerRecord* record = store_->handlers.find(name);
    if (record != nullptr) done = store_->handlers.retire(record->number);
  });
  return done;
}

void StoreQueue::flush_marks() {
  const std::lock_guard lock(life_);
  if (!thread_.joinable()) throw std::logic_error("the queue was not started");
  change("make marks durable", [] {});
}

Forgotten StoreQueue::forget_handler(const std::string& name, const std::function<bool()>& go_on) {
  constexpr std::size_t rows_at_once = 2000;
  const std::lock_guard lock(life_);
  bool known = false;
  bool done = false;
  const auto slice = [&] {
    const HandlerRecord* record = store_->handlers.find(name);
    known = known || record != nullptr;
    done = record == nullptr || store_->handlers.forget(record->number, rows_at_once);
  };
  while (!done) {
    if (!go_on()) return Forgotten::in_part;
    change("forget the handler " + name, slice);
  }
  return known ? Forgotten::whole : Forgotten::unknown;
}

Erased StoreQueue::erase(const std::vector<RowId>& ids, bool undelivered) {
  const std::lock_guard lock(life_);
  Erased erased;
  change("erase events", [&] { erased = store_->eraser.erase(ids, undelivered); });
  // The log still holds their pages, and so does the database until the log is written back.
  if (erased.done > 0)
    as_owner([&](bool) { erased.overwritten = store_->checkpointer.truncate(); });
  return erased;
}

template <class Body>
Outcome StoreQueue::transact(const Body& body, bool marks_are_durable) {
  if (!marks_are_durable) return store_->health().failed() ? Outcome::failed : Outcome::full;
  const Outcome outcome = store_->transact(body);
  if (outcome != Outcome::committed) return outcome;
  store_->handlers.refresh();
  board_.set(store_->handlers.all());
  return outcome;
}

// By whoever owns the store: the writer thread while it runs. Not at all if that has ended, since
// its store failed. `body` is told whether all marks made before are durable.
template <class Body>
void StoreQueue::as_owner(const Body& body) {
  if (stopped_) throw std::logic_error("the queue was stopped");
  if (!thread_.joinable()) {
    const SqliteLogScope log_scope(log_);
    body(true);
    return;
  }
  Inbox::Command command(body);
  auto done = command.get_future();
  inbox_.run(std::move(command));
  try {
    done.get();
  } catch (const std::future_error&) {
  }
}

template <class Body>
void StoreQueue::change(const std::string& what, const Body& body) {
  Outcome outcome = Outcome::failed;
  as_owner([&](bool marks_are_durable) { outcome = transact(body, marks_are_durable); });
  if (outcome == Outcome::committed) return;
  const std::string why =
      outcome == Outcome::full ? "no space is left" : "the store failed: " + status().failure;
  throw StoreOpenError(exit_store_failed, "cannot " + what + ": " + why);
}

void StoreQueue::run(QueueObserver observer) {
  observer_ = std::move(observer);
  thread_ = std::thread([this] {
    name_this_thread("wx-writer");
    writer_.run(observer_);
  });
}

void StoreQueue::start(QueueObserver observer) {
  const std::lock_guard lock(life_);
  if (thread_.joinable() || stopped_) throw std::logic_error("the queue was started already");
  run(std::move(observer));
}

std::unique_ptr<Reader> StoreQueue::reader() {
  return open_reader(settings_.directory, settings_.body_keys, orders_);
}

QueueStatus StoreQueue::status() const {
  QueueStatus status = board_.status();
  status.waiting = inbox_.waiting();
  status.append_queue_full = inbox_.full();
  return status;
}

void StoreQueue::stop() {
  const std::lock_guard lock(life_);
  if (stopped_) return;
  stopped_ = true;
  inbox_.stop();
  if (!thread_.joinable()) run({});  // never started: what was appended is decided all the same
  thread_.join();
  store_.reset();  // closes its files and gives the lock back
}

}  // namespace wxpush::queue
