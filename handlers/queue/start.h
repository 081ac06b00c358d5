#pragma once
// The way from a directory to a store that may acknowledge: docs/store.md, "Start", says why in
// this order.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/queue/disk_health.h"
#include "handlers/queue/incarnation.h"
#include "handlers/queue/lock.h"
#include "handlers/queue/schema.h"
#include "handlers/queue/sqlite.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/vfs.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace wxpush::queue {

// Destroyed in reverse: the connection, its VFS, the lock last.
struct OpenedStore {
  StoreFiles files;
  std::unique_ptr<Lock> lock;
  std::unique_ptr<DiskHealth> health;
  std::unique_ptr<Vfs> vfs;
  std::unique_ptr<Connection> connection;
  std::int64_t starts = 0;  // this start's number, from 1
  Incarnation incarnation = 0;
  std::optional<WallTime> restored_at;
};

struct StartOptions {
  SchemaSteps schema = schema_steps();
  bool maintenance = false;  // not counted as a start
  bool restored = false;     // it is a copy that begins a life of its own: a new incarnation
  crypto::Random* random = nullptr;   // for incarnations; the system's if null
  std::function<bool()> ask_again{};  // for the lock (lock.h)
  // How long a reader that pins the log is waited for. Two figures, since a locked file is waited
  // for inside SQLite, and a pinned log by asking again.
  std::chrono::milliseconds patience{std::chrono::seconds{10}};
};

// When it returns, everything recovered is synced, the schema is current, a commit of its own was
// synced, and so was the directory. Throws StoreOpenError.
OpenedStore open_store(const std::filesystem::path& directory, Clock& clock, Disk& disk, Log& log,
                       const StartOptions& options = {});

}  // namespace wxpush::queue
