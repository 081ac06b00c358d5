#include "handlers/queue/vfs.h"

#include "handlers/queue/vfs_file.h"

#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>

namespace wxpush::queue {

struct VfsState {
  Disk& disk;
  DiskHealth& health;
  Zeros zeros;
  std::string name{};
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs shim{};
};

namespace {

StoreFile role_of(int flags) {
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) return StoreFile::database;
  if ((flags & SQLITE_OPEN_WAL) != 0) return StoreFile::wal;
  return StoreFile::other;
}

VfsState& state(sqlite3_vfs* vfs) {
  return *static_cast<VfsState*>(vfs->pAppData);
}

// SQLite syncs the directory with the first sync of a log or journal that it may create, and drops
// the answer. So it is let create one only where there is none, and then opens it as one that was
// there: the name is synced by us (x_sync in vfs_file.cpp), or, if an earlier process made the
// file, by the start procedure.
int open_journal(sqlite3_vfs* below, const char* path, sqlite3_file* file, int flags, int* out,
                 bool& is_new) {
  int exists = 0;
  if (const int result = below->xAccess(below, path, SQLITE_ACCESS_EXISTS, &exists);
      result != SQLITE_OK) {
    return result;
  }
  is_new = exists == 0;
  if (is_new) {
    const int result = below->xOpen(below, path, file, flags, nullptr);
    if (result != SQLITE_OK) return result;
    file->pMethods->xClose(file);
  }
  return below->xOpen(below, path, file, flags & ~SQLITE_OPEN_CREATE, out);
}

// A frame that ends a commit is known by its head, which comes whole and last, but where SQLite
// must take a write for able to harm what lies beside it: then it pads commits up to a sector, and
// writes on behind its own sync.
bool may_gather(StoreFile role, sqlite3_file* file) {
  return role == StoreFile::wal &&
         (file->pMethods->xDeviceCharacteristics(file) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
}

int x_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  constexpr int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
  VfsState& self = state(vfs);
  ShimFile& opened = shim(file);
  opened.base.pMethods = nullptr;  // tells SQLite that there is nothing to close
  opened.disk = &self.disk;
  opened.health = &self.health;
  opened.role = role_of(flags);
  opened.checked = false;
  opened.zeros_pass = self.zeros == Zeros::pass;
  opened.gathered = nullptr;
  bool is_new = false;
  const bool may_create = (flags & journals) != 0 && (flags & SQLITE_OPEN_CREATE) != 0;
  const int result = may_create
                         ? open_journal(self.real, path, real(file), flags, out_flags, is_new)
                         : self.real->xOpen(self.real, path, real(file), flags, out_flags);
  opened.unsynced_name = is_new ? path : nullptr;
  if (result != SQLITE_OK) return result;
  if (may_gather(opened.role, real(file))) opened.gathered = new (std::nothrow) GatheredWrites();
  opened.base.pMethods = &shim_methods();
  if (opened.role == StoreFile::database) opened.checked = database_has_checksums(file);
  return result;
}

int x_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  VfsState& self = state(vfs);
  if (sync_directory != 0) {
    if (const int error = self.disk.before_sync(StoreFile::directory); error != 0) {
      self.health.sync_failed(StoreFile::directory, error);
      return SQLITE_IOERR_DIR_FSYNC;
    }
  }
  const int result = self.real->xDelete(self.real, path, sync_directory);
  if (result == SQLITE_IOERR_DIR_FSYNC) self.health.sync_failed(StoreFile::directory, EIO);
  return result;
}

int x_access(sqlite3_vfs* vfs, const char* path, int flags, int* out) {
  sqlite3_vfs* below = state(vfs).real;
  return below->xAccess(below, path, flags, out);
}
int x_full_pathname(sqlite3_vfs* vfs, const char* path, int size, char* out) {
  sqlite3_vfs* below = state(vfs).real;
  return below->xFullPathname(below, path, size, out);
}
int x_randomness(sqlite3_vfs* vfs, int size, char* out) {
  sqlite3_vfs* below = state(vfs).real;
  return below->xRandomness(below, size, out);
}
int x_sleep(sqlite3_vfs* vfs, int microseconds) {
  sqlite3_vfs* below = state(vfs).real;
  return below->xSleep(below, microseconds);
}
int x_current_time(sqlite3_vfs* vfs, double* out) {
  sqlite3_vfs* below = state(vfs).real;
  return below->xCurrentTime(below, out);
}
int x_last_error(sqlite3_vfs* vfs, int size, char* out) {
  sqlite3_vfs* below = state(vfs).real;
  return below->xGetLastError(below, size, out);
}
int x_current_time_64(sqlite3_vfs* vfs, sqlite3_int64* out) {
  sqlite3_vfs* below = state(vfs).real;
  return below->xCurrentTimeInt64(below, out);
}

std::string unique_name() {
  static std::atomic<unsigned> last{0};
  return "wxpush-" + std::to_string(++last);
}

}  // namespace

Vfs::Vfs(Disk& disk, DiskHealth& health, Zeros zeros)
    : state_(std::make_unique<VfsState>(VfsState{.disk = disk, .health = health, .zeros = zeros})) {
  VfsState& self = *state_;
  self.name = unique_name();
  self.real = sqlite3_vfs_find("unix");
  if (self.real == nullptr) throw std::runtime_error("SQLite has no unix VFS");
  self.shim.iVersion = 2;
  self.shim.szOsFile = static_cast<int>(sizeof(ShimFile)) + self.real->szOsFile;
  self.shim.mxPathname = self.real->mxPathname;
  self.shim.zName = self.name.c_str();
  self.shim.pAppData = state_.get();
  self.shim.xOpen = x_open;
  self.shim.xDelete = x_delete;
  self.shim.xAccess = x_access;
  self.shim.xFullPathname = x_full_pathname;
  self.shim.xRandomness = x_randomness;
  self.shim.xSleep = x_sleep;
  self.shim.xCurrentTime = x_current_time;
  self.shim.xGetLastError = x_last_error;
  self.shim.xCurrentTimeInt64 = x_current_time_64;
  if (sqlite3_vfs_register(&self.shim, 0) != SQLITE_OK) {
    throw std::runtime_error("SQLite did not take the store's VFS");
  }
}

Vfs::~Vfs() {
  sqlite3_vfs_unregister(&state_->shim);
}

const char* Vfs::name() const noexcept {
  return state_->name.c_str();
}

}  // namespace wxpush::queue
