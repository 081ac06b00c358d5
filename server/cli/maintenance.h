#pragma once
// The store, opened by a command because no server has it.

#include "config/settings.h"
#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/disk.h"
#include "handlers/queue/queue.h"

#include <memory>

namespace wxpush::cli {

class Maintenance {
 public:
  // Throws queue::StoreOpenError: 75 if a process has it after all.
  explicit Maintenance(const config::Settings& settings) {
    queue::QueueSettings store;
    store.directory = settings.store.path;
    store.retention = settings.store.retention;
    store.min_retention = settings.store.min_retention;
    store.maintenance = true;
    queue_ = queue::Queue::open(store, clock_, disk_, log_);
  }
  queue::Queue& queue() noexcept { return *queue_; }

 private:
  SystemClock clock_;
  queue::SystemDisk disk_;
  NullLog log_;
  std::unique_ptr<queue::Queue> queue_;
};

}  // namespace wxpush::cli
