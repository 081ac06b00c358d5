#include "handlers/queue/lock.h"
#include "handlers/queue/log_witness.h"
#include "handlers/queue/place.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/start.h"
#include "handlers/queue/store_backup.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/wal_file.h"
#include "handlers/queue/whole_files.h"

#include <system_error>

namespace wxpush::queue {
namespace {

void refuse_used(const StoreFiles& files) {
  std::error_code none;
  for (const std::filesystem::path& file : {files.database, files.wal}) {
    const std::uintmax_t size = std::filesystem::file_size(file, none);
    if (none || size == 0) continue;
    throw StoreOpenError(exit_bad_input,
                         "there is a store in " + files.directory.string() +
                             " already; move it away, or restore into another path");
  }
}

// Inside the store's own directory, so that the database's name is all that changes at the end.
StoreFiles make_work_directory(const std::filesystem::path& store) {
  StoreFiles work(store / "restoring");
  std::filesystem::remove_all(work.directory);  // of one that was killed
  std::filesystem::create_directory(work.directory);
  std::filesystem::permissions(work.directory, std::filesystem::perms::owner_all);
  return work;
}

CheckReport restore_under_lock(const StoreFiles& from, const StoreFiles& to,
                               const std::vector<BodyKey>& body_keys, Clock& clock, Disk& disk,
                               crypto::Random& random, const Progress& progress) {
  const StoreFiles work = make_work_directory(to.directory);
  progress("copy", 0, 0);
  copy_synced(from.database, work.database);
  if (std::filesystem::exists(from.wal)) copy_synced(from.wal, work.wal);
  CheckReport report = check_copy(work.directory, body_keys, progress);
  NullLog log;
  {
    StartOptions options;
    options.maintenance = true;
    options.restored = true;
    options.random = &random;
    OpenedStore opened = open_store(work.directory, clock, disk, log, options);
    report.incarnation = opened.incarnation;
    write_back(opened);
  }
  std::filesystem::rename(work.database, to.database);
  sync_names(to.directory, disk);
  std::filesystem::remove_all(work.directory);
  return report;
}

}  // namespace

CheckReport restore(const std::filesystem::path& backup, const std::filesystem::path& store,
                    const std::vector<BodyKey>& body_keys, Clock& clock, Disk& disk, Log& log,
                    crypto::Random& random, const Progress& progress) {
  const StoreFiles from(backup);
  const StoreFiles to(store);
  try {
    if (!std::filesystem::exists(from.database))
      throw StoreOpenError(exit_unavailable, "there is no backup in " + backup.string());
    if (is_served(backup)) {
      throw StoreOpenError(exit_locked,
                           backup.string() +
                               " is the store of a running server, which changes while "
                               "it is copied: `wxpush store backup` copies it");
    }
    DiskHealth health;
    prepare_directory(store, disk, health, log);
    const Lock lock(to.lock);
    refuse_used(to);
    refuse_damaged_log(from);
    if (!expect_empty_log(lock, disk, health))
      throw StoreOpenError(exit_store_failed, to.lock.string() + ": " + health.failure());
    return restore_under_lock(from, to, body_keys, clock, disk, random, progress);
  } catch (const std::filesystem::filesystem_error& error) {
    const bool permission = error.code() == std::errc::permission_denied ||
                            error.code() == std::errc::read_only_file_system;
    throw StoreOpenError(permission ? exit_no_permission : exit_store_failed, error.what());
  }
}

}  // namespace wxpush::queue
