#include "handlers/queue/whole_files.h"

#include "handlers/queue/disk_health.h"
#include "handlers/queue/place.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/store_files.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace wxpush::queue {
namespace {

[[noreturn]] void fail(const std::string& doing, int error) {
  int code = exit_store_failed;
  if (error == EEXIST || error == ENOENT || error == ENOTDIR) code = exit_bad_input;
  if (error == EACCES || error == EPERM || error == EROFS) code = exit_no_permission;
  throw StoreOpenError(code, doing + ": " + std::generic_category().message(error));
}

struct File {
  explicit File(int opened) : descriptor(opened) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor;
};

void write_all(int to, const char* data, std::size_t size, const std::string& doing) {
  while (size > 0) {
    const ssize_t written = ::write(to, data, size);
    if (written < 0 && errno != EINTR) fail(doing, errno);
    if (written <= 0) continue;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

std::filesystem::path without_slash(const std::filesystem::path& path) {
  const std::filesystem::path cleaned = path.lexically_normal();
  return cleaned.has_filename() ? cleaned : cleaned.parent_path();
}

std::filesystem::path above(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

UnfinishedDirectory::UnfinishedDirectory(const std::filesystem::path& target)
    : target_(without_slash(target)), path_(target_) {
  path_ += ".unfinished-" + std::to_string(::getpid());
  struct stat found {};
  if (::lstat(target_.c_str(), &found) == 0) fail(target_.string(), EEXIST);
  if (::mkdir(path_.c_str(), 0700) != 0) fail("cannot make the directory " + path_.string(), errno);
}

UnfinishedDirectory::~UnfinishedDirectory() {
  std::error_code ignored;
  if (!finished_) std::filesystem::remove_all(path_, ignored);
}

void UnfinishedDirectory::finish(Disk& disk) {
  sync_names(path_, disk);
  int result = ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE);
  // A file system that knows only rename(2) takes at most an empty directory's place.
  if (result != 0 && errno == EINVAL) result = ::rename(path_.c_str(), target_.c_str());
  if (result != 0) fail("cannot name " + target_.string(), errno);
  finished_ = true;
  sync_names(above(target_), disk);
}

void copy_synced(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::string doing = "cannot copy " + from.string() + " to " + to.string();
  const File source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (source.descriptor < 0) fail(doing, errno);
  const File copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (copy.descriptor < 0) fail(doing, errno);
  std::vector<char> bytes(std::size_t{1} << 20);
  while (true) {
    const ssize_t got = ::read(source.descriptor, bytes.data(), bytes.size());
    if (got < 0 && errno != EINTR) fail(doing, errno);
    if (got == 0) break;
    if (got > 0) write_all(copy.descriptor, bytes.data(), static_cast<std::size_t>(got), doing);
  }
  if (::fsync(copy.descriptor) != 0) fail(doing, errno);
}

void sync_names(const std::filesystem::path& directory, Disk& disk) {
  DiskHealth health;
  if (!sync_directory(directory, disk, health))
    throw StoreOpenError(exit_store_failed, directory.string() + ": " + health.failure());
}

void remove_empty_log(const std::filesystem::path& directory) {
  const StoreFiles files(directory);
  std::error_code none;
  if (std::filesystem::file_size(files.wal, none) != 0 || none) return;
  std::filesystem::remove(files.wal, none);
  std::filesystem::remove(directory / "queue.db-shm", none);
}

CheckReport check_copy(const std::filesystem::path& copy, const std::vector<BodyKey>& body_keys,
                       const Progress& progress) {
  CheckReport report = check_store(copy, body_keys, progress);
  if (report.whole()) return report;
  throw StoreOpenError(exit_store_failed, "the copy is damaged, and so is what was copied (" +
                                              std::to_string(report.count) + " findings; " +
                                              report.findings.front().what +
                                              "): `wxpush store check` tells all");
}

void write_back(OpenedStore& store) {
  sqlite3* handle = store.connection->handle();
  const int code =
      sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code == SQLITE_OK && !store.health->failed()) return;
  throw StoreOpenError(exit_store_failed, "cannot write " + store.files.database.string() + ": " +
                                              (store.health->failed() ? store.health->failure()
                                                                      : sqlite3_errmsg(handle)));
}

}  // namespace wxpush::queue
