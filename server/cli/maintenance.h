#pragma once
// The store, opened by a command because no server has it.

#include "config/settings.h"
#include "crypto/primitives/random.h"
#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/disk.h"
#include "handlers/queue/queue.h"
#include "server/queue_settings.h"

#include <memory>

namespace wxpush::cli {

class Maintenance {
 public:
  // Throws queue::StoreOpenError: 75 if a process has it after all.
  explicit Maintenance(const config::Settings& settings) {
    auto store = server::queue_settings(settings.store, random_);
    store.maintenance = true;
    queue_ = queue::Queue::open(store, clock_, disk_, log_);
    queue_->start({});
  }
  queue::Queue& queue() noexcept { return *queue_; }

 private:
  SystemClock clock_;
  crypto::SystemRandom random_;
  queue::SystemDisk disk_;
  NullLog log_;
  std::unique_ptr<queue::Queue> queue_;
};

}  // namespace wxpush::cli
