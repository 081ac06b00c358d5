#pragma once
// What the writer thread tells everybody: the status and the handlers' places, as of its last turn.

#include "handlers/queue/queue.h"

#include <mutex>
#include <vector>

namespace wxpush::queue {

class Board {
 public:
  QueueStatus status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  void set(QueueStatus status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
  }
  std::vector<HandlerRecord> handlers() const {
    const std::lock_guard lock(mutex_);
    return handlers_;
  }
  void set(std::vector<HandlerRecord> handlers) {
    const std::lock_guard lock(mutex_);
    handlers_ = std::move(handlers);
  }

 private:
  mutable std::mutex mutex_;
  QueueStatus status_;
  std::vector<HandlerRecord> handlers_;
};

}  // namespace wxpush::queue
