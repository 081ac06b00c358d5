#include "handlers/queue/store_backup.h"

#include "handlers/queue/disk_health.h"
#include "handlers/queue/lock.h"
#include "handlers/queue/page_checksum.h"
#include "handlers/queue/place.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/read_connection.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/store_reader.h"
#include "handlers/queue/vfs.h"
#include "handlers/queue/wal_file.h"
#include "handlers/queue/whole_files.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace wxpush::queue {
namespace {

constexpr int step_pages = 128;

std::uint64_t log_bytes(const std::filesystem::path& store) {
  struct stat found {};
  const int result = ::stat(StoreFiles(store).wal.c_str(), &found);
  return result == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

// The copy while it is written: its pages get their checksums from the VFS.
struct Copy {
  Copy(const std::string& database, Disk& disk, int reserved)
      : vfs(disk, health), connection(database, {.vfs = vfs.name()}) {
    sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    // Nobody reads it before it is whole, so there is nothing to roll back to.
    connection.execute(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL");
    // Its first page, which says that there are checksums, is written before any other.
    connection.execute("PRAGMA user_version = 1");
  }
  DiskHealth health;
  Vfs vfs;
  Connection connection;
};

[[noreturn]] void give_up(Copy& copy, int code) {
  std::string why = copy.health.failure();
  if (why.empty()) why = sqlite3_errmsg(copy.connection.handle());
  if (why.empty() || why == "not an error") why = sqlite3_errstr(code);
  if (copy.health.take_full() || (code & 0xff) == SQLITE_FULL) why = "no space is left";
  throw StoreOpenError(exit_store_failed, "the backup failed: " + why);
}

class Backup {
 public:
  Backup(Connection& from, Copy& to)
      : to_(to),
        handle_(sqlite3_backup_init(to.connection.handle(), "main", from.handle(), "main")) {
    if (handle_ == nullptr) give_up(to, sqlite3_errcode(to.connection.handle()));
  }
  ~Backup() { sqlite3_backup_finish(handle_); }
  Backup(const Backup&) = delete;
  Backup& operator=(const Backup&) = delete;

  bool step() {  // false: that was the last
    const int code = sqlite3_backup_step(handle_, step_pages);
    if (code != SQLITE_OK && code != SQLITE_DONE) give_up(to_, code);
    return code == SQLITE_OK;
  }
  std::uint64_t of() const { return static_cast<std::uint64_t>(sqlite3_backup_pagecount(handle_)); }
  std::uint64_t done() const {
    return of() - static_cast<std::uint64_t>(sqlite3_backup_remaining(handle_));
  }

 private:
  Copy& to_;
  sqlite3_backup* handle_;
};

// What was written is to come from the disk when it is looked at.
void drop_from_memory(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  ::close(descriptor);
}

// One snapshot from the first page to the last: a commit of the server in between would make SQLite
// begin again, and beside a busy one it would never end.
void copy_pages(const std::filesystem::path& store, Connection& from, Copy& to, Clock& clock,
                const BackupPace& pace, const Progress& progress) {
  const Snapshot snapshot(from);
  from.integer("SELECT count(*) FROM meta");  // it begins with the first page read
  Backup backup(from, to);
  for (bool more = true; more;) {
    const SteadyTime began = clock.steady();
    more = backup.step();
    progress("pages", backup.done(), backup.of());
    const std::uint64_t log = log_bytes(store);
    if (more && log > pace.most_log_bytes) {
      throw StoreOpenError(exit_unavailable,
                           "the backup was given up: it keeps the log of the store from being "
                           "written back, and that has grown to " +
                               std::to_string(log >> 20) + " MiB; take it at a quieter time");
    }
    if (more && log < pace.hurry_at_log_bytes) pace.rest(clock.steady() - began);
  }
}

}  // namespace

CheckReport back_up(const std::filesystem::path& store, const std::filesystem::path& target,
                    const std::vector<BodyKey>& body_keys, Clock& clock, Disk& disk,
                    const BackupPace& pace, const Progress& progress) {
  if (!is_served(store)) refuse_damaged_log(StoreFiles(store));
  const std::shared_ptr<Connection> from = connect_to_read(store, Zeros::pass);
  UnfinishedDirectory directory(target);
  const StoreFiles files(directory.path());
  make_private(files.database);
  try {
    Copy to(files.database.string(), disk, reserved_page_bytes(*from));
    copy_pages(store, *from, to, clock, pace, progress);
    if (to.health.failed()) give_up(to, SQLITE_IOERR);
  } catch (const SqliteError& error) {
    refuse_to_read(error, store);
  }
  drop_from_memory(files.database);
  CheckReport report = check_copy(directory.path(), body_keys, progress);
  remove_empty_log(directory.path());
  directory.finish(disk);
  return report;
}

}  // namespace wxpush::queue
