#include "handlers/queue/start.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/log_rewrite.h"
#include "handlers/queue/log_witness.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/page_checksum.h"
#include "handlers/queue/place.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/wal_file.h"

#include <sqlite3.h>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

namespace wxpush::queue {
namespace {

constexpr int lock_milliseconds = 200;  // per call of SQLite; start.h's patience is ours

// For want of descriptors SQLite says SQLITE_CANTOPEN, which elsewhere is a matter of permission.
bool no_more_files() {
  const int one = ::open("/", O_PATH | O_CLOEXEC);
  if (one < 0) return errno == EMFILE || errno == ENFILE;
  ::close(one);
  return false;
}

[[noreturn]] void give_up(const OpenedStore& store, const SqliteError& error) {
  const std::string where = "cannot open the store " + store.files.directory.string() + ": ";
  if (store.health->failed())
    throw StoreOpenError(exit_store_failed, where + store.health->failure());
  if (store.health->take_full() || error.primary() == SQLITE_FULL) {
    throw StoreOpenError(exit_store_failed, where + "no space is left on its disk");
  }
  if (error.primary() == SQLITE_CANTOPEN && no_more_files()) {
    throw StoreOpenError(exit_store_failed,
                         where + "too many open files; raise the limit (ulimit -n, LimitNOFILE=)");
  }
  const bool damaged = error.exit_code() == exit_store_failed;
  throw StoreOpenError(error.exit_code(), where + error.what() + (damaged ? look_closer : ""));
}

void check(const OpenedStore& store) {
  if (!store.health->failed()) return;
  throw StoreOpenError(
      exit_store_failed,
      "cannot open the store " + store.files.directory.string() + ": " + store.health->failure());
}

// What a full disk of the last run left us to work with. Nothing else is touched: whose store this
// is is not known yet.
void release_reserve(const StoreFiles& files) {
  std::error_code none;
  if (std::filesystem::file_size(files.reserve, none) != reserve_bytes || none) return;
  std::filesystem::resize_file(files.reserve, 0, none);
}

void connect(OpenedStore& store) {
  make_private(store.files.database);
  store.connection = std::make_unique<Connection>(
      store.files.database.string(),
      Connection::Options{.vfs = store.vfs->name(), .busy_milliseconds = lock_milliseconds});
  Connection& connection = *store.connection;
  if (sqlite3_db_readonly(connection.handle(), "main") == 1) {
    throw StoreOpenError(exit_no_permission,
                         store.files.database.string() + " may not be written by this user");
  }
  // Of a store that is made now; one that is there stays as it is.
  int reserved = page_checksum_bytes;
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  // The log stays when the store closes: each new one would hang on a directory sync that SQLite
  // does not check.
  int persist = 1;
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
}

// Before the first table, because afterwards they cannot be changed.
void configure(Connection& connection) {
  connection.execute(
      "PRAGMA page_size = 8192; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -32768; PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON");
  if (connection.text("PRAGMA journal_mode = WAL") != "wal") {
    throw StoreOpenError(exit_unusable,
                         "this file system cannot hold a write-ahead log; put the store elsewhere");
  }
  connection.integer("PRAGMA wal_autocheckpoint = 0");
  // Always, not only while something is erased or sealed anew: pages that are split and joined
  // before would keep copies of rows, which nobody overwrites when the rows themselves are erased.
  connection.integer("PRAGMA secure_delete = ON");
}

// What was recovered may live only in the page cache: a checkpoint syncs the log, writes the
// database, syncs it, and then empties the log. Looks at the syncs themselves, since SQLite's
// answer is not enough.
void settle_what_was_recovered(OpenedStore& store, Clock& clock, Disk& disk,
                               std::chrono::milliseconds patience) {
  expect_empty_log(*store.lock, disk, *store.health);
  check(store);
  const SteadyTime deadline = clock.steady() + patience;
  const DiskHealth::Counts database = store.health->counts(StoreFile::database);
  const DiskHealth::Counts wal = store.health->counts(StoreFile::wal);
  sqlite3* handle = store.connection->handle();
  for (;;) {
    const int code =
        sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    check(store);
    if (code == SQLITE_OK) break;
    if ((code & 0xff) != SQLITE_BUSY) {
      throw SqliteError(sqlite3_extended_errcode(handle), sqlite3_errmsg(handle));
    }
    if (clock.steady() >= deadline) {
      throw StoreOpenError(exit_locked,
                           "a process that reads the store " + store.files.directory.string() +
                               " keeps its log from being written back; end it (lsof names it)");
    }
  }
  const DiskHealth::Counts database_now = store.health->counts(StoreFile::database);
  if (database_now.writes == database.writes) return;  // there was nothing to write back
  if (database_now.syncs == database.syncs ||
      store.health->counts(StoreFile::wal).syncs == wal.syncs) {
    throw StoreOpenError(exit_store_failed, "what was recovered could not be synced");
  }
}

void name_incarnation(OpenedStore& store, Meta& meta, Clock& clock, const StartOptions& options) {
  store.incarnation = static_cast<Incarnation>(meta.get(meta_key::incarnation, 0));
  if (store.incarnation == 0 || options.restored) {
    crypto::SystemRandom system;
    store.incarnation = fresh_incarnation(options.random != nullptr ? *options.random : system);
    meta.set(meta_key::incarnation, static_cast<std::int64_t>(store.incarnation));
  }
  if (options.restored) meta.set(meta_key::restored_at, stored(clock.wall()));
  const std::int64_t restored_at = meta.get(meta_key::restored_at, 0);
  if (restored_at != 0) store.restored_at = wall_time(restored_at);
}

void first_commit(OpenedStore& store, int version, Clock& clock, const StartOptions& options) {
  const DiskHealth::Counts before = store.health->counts(StoreFile::wal);
  Connection& connection = *store.connection;
  connection.execute("BEGIN IMMEDIATE");
  bring_up_to_date(connection, version, options.schema);
  {
    Meta meta(connection);
    const auto counted = options.maintenance ? meta_key::maintenances : meta_key::starts;
    meta.set(counted, meta.get(counted, 0) + 1);
    store.starts = meta.get(meta_key::starts, 0);
    name_incarnation(store, meta, clock, options);
  }
  connection.execute("COMMIT");
  check(store);
  if (store.health->counts(StoreFile::wal).syncs == before.syncs) {
    throw StoreOpenError(exit_store_failed, "the store's first commit was not synced");
  }
}

void open_database(OpenedStore& store, Clock& clock, Disk& disk, const StartOptions& options) {
  connect(store);
  Connection& connection = *store.connection;
  const int version = recognise_store(connection, options.schema.size());
  rewrite_log(store.files.wal, disk, *store.health);
  check(store);
  if (store.health->take_full()) throw SqliteError(SQLITE_FULL, "no space for the log");
  configure(connection);
  settle_what_was_recovered(store, clock, disk, options.patience);
  first_commit(store, version, clock, options);
  sync_directory(store.files.directory, disk, *store.health);
  check(store);
}

}  // namespace

OpenedStore open_store(const std::filesystem::path& directory, Clock& clock, Disk& disk, Log& log,
                       const StartOptions& options) {
  const SqliteLogScope log_scope(log);
  OpenedStore store{.files = StoreFiles(directory),
                    .lock = nullptr,
                    .health = std::make_unique<DiskHealth>(),
                    .vfs = nullptr,
                    .connection = nullptr};
  prepare_directory(directory, disk, *store.health, log);
  store.lock = std::make_unique<Lock>(store.files.lock, options.ask_again);
  refuse_damaged_log(store.files);  // before SQLite looks
  release_reserve(store.files);
  store.vfs = std::make_unique<Vfs>(disk, *store.health);
  try {
    open_database(store, clock, disk, options);
  } catch (const SqliteError& error) {
    give_up(store, error);
  }
  return store;
}

}  // namespace wxpush::queue
