#pragma once
// The store's settings as the queue takes them.

#include "config/settings.h"
#include "handlers/queue/queue.h"

#include <vector>

namespace wxpush::server {

// The first seals, all of them open.
inline std::vector<queue::BodyKey> body_keys(const config::Store& store) {
  std::vector<queue::BodyKey> keys;
  if (store.encryption_key) keys.emplace_back(store.encryption_key->key.reveal());
  for (const auto& old : store.old_encryption_keys) keys.emplace_back(old.key.reveal());
  return keys;
}

// `random` outlives the queue.
inline queue::QueueSettings queue_settings(const config::Store& store, crypto::Random& random) {
  queue::QueueSettings settings;
  settings.directory = store.path;
  settings.retention = store.retention;
  settings.min_retention = store.min_retention;
  settings.max_size = store.max_size.percent > 0 ? 0 : store.max_size.bytes;
  settings.max_size_percent = store.max_size.percent;
  settings.min_free = store.min_free;
  settings.append_queue = store.append_queue;
  settings.append_queue_bytes = store.append_queue_bytes;
  settings.body_keys = body_keys(store);
  settings.random = &random;
  return settings;
}

// The store as those see it who only read it. Throws queue::StoreOpenError.
inline std::unique_ptr<queue::Reader> open_reader(const config::Store& store) {
  return queue::Reader::open(store.path, body_keys(store));
}

}  // namespace wxpush::server
