#pragma once
// The store's settings as the queue takes them.

#include "config/settings.h"
#include "handlers/queue/queue.h"

namespace wxpush::server {

inline queue::QueueSettings queue_settings(const config::Store& store) {
  queue::QueueSettings settings;
  settings.directory = store.path;
  settings.retention = store.retention;
  settings.min_retention = store.min_retention;
  settings.max_size = store.max_size.percent > 0 ? 0 : store.max_size.bytes;
  settings.max_size_percent = store.max_size.percent;
  settings.min_free = store.min_free;
  settings.append_queue = store.append_queue;
  settings.append_queue_bytes = store.append_queue_bytes;
  return settings;
}

}  // namespace wxpush::server
