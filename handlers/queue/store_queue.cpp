#include "handlers/queue/store_queue.h"

#include "handlers/queue/store_reader.h"

#include <stdexcept>
#include <utility>

namespace wxpush::queue {

std::unique_ptr<Queue> Queue::open(const QueueSettings& settings, Clock& clock, Disk& disk,
                                   Log& log) {
  return std::make_unique<StoreQueue>(settings, clock, disk, log);
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
  orders_ = store_->known.recent().orders();
}

StoreQueue::~StoreQueue() {
  StoreQueue::stop();
}

HandlerRecord StoreQueue::register_handler(const std::string& name,
                                           const std::vector<std::string>& apps,
                                           const std::vector<std::string>& events, bool oldest,
                                           const std::string& renamed_from) {
  const std::lock_guard lock(life_);
  change_handlers(name, [&] {
    store_->handlers.enrol({.name = name,
                            .apps = apps,
                            .events = events,
                            .begin = oldest ? 0 : store_->next_id - 1,
                            .renamed_from = renamed_from,
                            .now = stored(clock_.wall())});
  });
  return *store_->handlers.find(name);
}

void StoreQueue::retire_handler(const std::string& name) {
  const std::lock_guard lock(life_);
  const HandlerRecord* record = store_->handlers.find(name);
  if (record == nullptr) return;
  change_handlers(name, [&] { store_->handlers.retire(record->number); });
}

template <class Body>
void StoreQueue::change_handlers(const std::string& name, const Body& body) {
  if (thread_.joinable() || stopped_) {
    throw std::logic_error("handlers are registered before the queue is started");
  }
  const SqliteLogScope log_scope(log_);
  const Outcome outcome = store_->transact(body);
  if (outcome != Outcome::committed) {
    const std::string why =
        outcome == Outcome::full ? "no space is left" : store_->health().failure();
    throw StoreOpenError(exit_store_failed, "cannot register the handler " + name + ": " + why);
  }
  store_->handlers.refresh();
  board_.set(store_->handlers.all());
}

void StoreQueue::run(QueueObserver observer) {
  observer_ = std::move(observer);
  thread_ = std::thread([this] { writer_.run(observer_); });
}

void StoreQueue::start(QueueObserver observer) {
  const std::lock_guard lock(life_);
  if (thread_.joinable() || stopped_) throw std::logic_error("the queue was started already");
  run(std::move(observer));
}

std::unique_ptr<Reader> StoreQueue::reader() {
  return open_reader(settings_.directory, orders_);
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
