#include "handlers/queue/checkpointer.h"

#include <sqlite3.h>

#include <algorithm>

namespace wxpush::queue {

Checkpointer::Checkpointer(Connection& connection, const StoreFiles& files, const Lock& lock,
                           Disk& disk, DiskHealth& health, Log& log, std::uint64_t pages)
    : connection_(connection),
      witness_(files, lock),
      lock_(lock),
      disk_(disk),
      log_(log),
      health_(health),
      pages_(pages),
      next_at_(pages) {
  sqlite3_wal_hook(connection.handle(), &Checkpointer::on_commit, this);
  // A log that a reader once made long is cut back when it starts over.
  const std::uint64_t limit = std::max<std::uint64_t>(pages, 64) * 8192 * 2;
  connection.integer("PRAGMA journal_size_limit = " + std::to_string(limit));
}

Checkpointer::~Checkpointer() {
  sqlite3_wal_hook(connection_.handle(), nullptr, nullptr);
}

int Checkpointer::on_commit(void* self, sqlite3*, const char*, int frames) {
  auto& checkpointer = *static_cast<Checkpointer*>(self);
  const auto now = static_cast<std::uint64_t>(frames);
  if (now < checkpointer.frames_) checkpointer.next_at_ = checkpointer.pages_;  // it started over
  checkpointer.frames_ = now;
  if (!checkpointer.health_.failed()) checkpointer.witness_.saw(now);
  return SQLITE_OK;
}

void Checkpointer::run() {
  int in_log = 0;
  int written_back = 0;
  sqlite3* handle = connection_.handle();
  const int code =
      sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &written_back);
  if (health_.failed()) return;
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) {
    throw SqliteError(sqlite3_extended_errcode(handle), sqlite3_errmsg(handle));
  }
  // The next commit starts the log over, unless a reader is in it: then ask again after some pages
  // more. A reader that is merely busy is gone by then; one that lets the log double is not.
  // The longer it lasts, the sooner it is to be seen that it is over.
  const bool complete = code == SQLITE_OK && written_back == in_log;
  pinned_ = !complete && frames_ >= 2 * pages_;
  next_at_ = frames_ + (pinned_ ? pages_ / 32 : pages_ / 4);
  if (complete) warned_ = false;
  if (pinned_ && !warned_) {
    warned_ = true;
    log_.warning(
        "a process that reads the store keeps its log from being written back, and the log grows; "
        "end it (lsof on queue.db-wal names it)",
        {{"log_pages", in_log}});
  }
}

bool Checkpointer::truncate() {
  if (health_.failed() || !expect_empty_log(lock_, disk_, health_)) return false;
  connection_.wait_for_locks(0);  // readers have their own time; the drain's is short
  const int code = sqlite3_wal_checkpoint_v2(connection_.handle(), "main",
                                             SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  connection_.wait_for_locks(writer_patience_milliseconds);
  if (code == SQLITE_OK) frames_ = 0;
  return code == SQLITE_OK;
}

}  // namespace wxpush::queue
