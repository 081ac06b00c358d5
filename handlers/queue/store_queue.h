#pragma once
// The Queue over a Store: the calling threads' side, and the writer thread's life.

#include "handlers/queue/board.h"
#include "handlers/queue/inbox.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/store.h"
#include "handlers/queue/writer.h"

#include <memory>
#include <mutex>
#include <thread>

namespace wxpush::queue {

class StoreQueue final : public Queue {
 public:
  // Throws StoreOpenError.
  StoreQueue(const QueueSettings& settings, Clock& clock, Disk& disk, Log& log,
             const StoreOptions& options = {});
  ~StoreQueue() override;

  HandlerRecord register_handler(const std::string& name, const std::vector<std::string>& apps,
                                 const std::vector<std::string>& events, bool oldest,
                                 const std::string& renamed_from) override;
  bool retire_handler(const std::string& name) override;
  void flush_marks() override;
  Forgotten forget_handler(const std::string& name, const std::function<bool()>& go_on) override;
  Erased erase(const std::vector<RowId>& ids, bool undelivered) override;
  std::vector<HandlerRecord> handlers() override { return board_.handlers(); }
  bool empty() override { return board_.status().last_id == 0; }
  void start(QueueObserver observer) override;
  using Queue::append;
  void append(std::vector<Arrival> arrivals) override { inbox_.append(std::move(arrivals)); }
  void quarantine(QuarantinedPush push) override { inbox_.quarantine(std::move(push)); }
  void remove_quarantined(std::vector<std::uint64_t> ids) override {
    inbox_.remove_quarantined(ids);
  }
  void mark(std::uint32_t handler_number, LaneMarks marks) override {
    inbox_.mark(handler_number, std::move(marks));
  }
  void remember(std::string name, std::string value) override {
    inbox_.remember(std::move(name), std::move(value));
  }
  std::unique_ptr<Reader> reader() override;
  QueueStatus status() const override;
  void stop() override;

  // Returns when the writer has nothing left to do at the clock's time. For tests, which own the
  // clock.
  void wait_until_idle() { inbox_.wait_until_idle(); }

 private:
  void run(QueueObserver observer);  // under life_
  template <class Body>
  void as_owner(const Body& body);  // under life_
  template <class Body>
  void change(const std::string& what, const Body& body);  // under life_
  template <class Body>
  Outcome transact(const Body& body, bool marks_are_durable);

  const QueueSettings settings_;
  Clock& clock_;
  Log& log_;
  std::mutex life_;  // register_handler, start and stop exclude each other
  Inbox inbox_;
  Board board_;
  OrderMemory orders_;
  std::unique_ptr<Store> store_;  // the writer thread's from start() to its end
  Writer writer_;
  QueueObserver observer_;
  std::thread thread_;
  bool stopped_ = false;
};

}  // namespace wxpush::queue
