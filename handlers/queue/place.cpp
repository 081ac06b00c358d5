#include "handlers/queue/place.h"

#include "handlers/queue/queue.h"
#include "handlers/queue/store_files.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/magic.h>
#include <string>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <system_error>
#include <unistd.h>

namespace wxpush::queue {
namespace {

constexpr std::uint32_t cifs_magic = 0xFF534D42;
constexpr std::uint32_t smb2_magic = 0xFE534D42;
constexpr std::uint32_t ceph_magic = 0x00C36400;
constexpr std::uint32_t fuse_magic = 0x65735546;

[[noreturn]] void refuse(const std::string& doing, int error) {
  const bool permission = error == EACCES || error == EPERM || error == EROFS;
  throw StoreOpenError(permission ? exit_no_permission : exit_unusable,
                       doing + ": " + std::generic_category().message(error));
}

std::filesystem::path above(const std::filesystem::path& directory) {
  return directory.has_parent_path() ? directory.parent_path() : std::filesystem::path(".");
}

void make_directory(const std::filesystem::path& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) == 0) {
    if (!S_ISDIR(info.st_mode)) refuse("cannot store in " + directory.string(), ENOTDIR);
    return;
  }
  if (errno != ENOENT) refuse("cannot look at the directory " + directory.string(), errno);
  make_directory(above(directory));
  if (::mkdir(directory.c_str(), 0700) != 0) {
    refuse("cannot make the directory " + directory.string(), errno);
  }
}

// The names that lead to it, up to where its file system is mounted. At every start: the one that
// made a directory may have been killed before it synced the name. What we may not open we did not
// make.
void sync_names_above(std::filesystem::path directory, Disk& disk, DiskHealth& health) {
  struct stat here {};
  struct stat higher {};
  std::error_code unresolved;
  directory = std::filesystem::canonical(directory, unresolved);
  if (unresolved || ::stat(directory.c_str(), &here) != 0) return;
  while (directory.has_relative_path()) {
    directory = directory.parent_path();
    if (::stat(directory.c_str(), &higher) != 0 || higher.st_dev != here.st_dev) return;
    if (::access(directory.c_str(), R_OK) != 0) continue;
    if (!sync_directory(directory, disk, health))
      throw StoreOpenError(exit_store_failed, health.failure());
  }
}

}  // namespace

FileSystemVerdict judge_file_system(std::uint32_t magic) noexcept {
  switch (magic) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case cifs_magic:
    case smb2_magic:
    case V9FS_MAGIC:
    case AFS_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case ceph_magic:
      return {FileSystemUse::refused,
              "the store is on a network file system, which cannot keep its promise; put it on a "
              "local disk"};
    case fuse_magic:
      return {FileSystemUse::warned,
              "the store is on a FUSE file system; it is as durable as what lies beneath"};
    case OVERLAYFS_SUPER_MAGIC:
      return {FileSystemUse::warned,
              "the store is on overlayfs and vanishes with the container; put it on a volume"};
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
      return {FileSystemUse::warned, "the store is in memory and vanishes at the next boot"};
    default:
      return {};
  }
}

void prepare_directory(const std::filesystem::path& directory, Disk& disk, DiskHealth& health,
                       Log& log) {
  std::filesystem::path cleaned = directory.lexically_normal();
  if (!cleaned.has_filename()) cleaned = cleaned.parent_path();  // a slash at the end
  make_directory(cleaned);
  struct statfs found {};
  if (::statfs(directory.c_str(), &found) != 0) {
    refuse("cannot look at the file system of " + directory.string(), errno);
  }
  sync_names_above(cleaned, disk, health);
  const FileSystemVerdict verdict = judge_file_system(static_cast<std::uint32_t>(found.f_type));
  if (verdict.use == FileSystemUse::refused) {
    throw StoreOpenError(exit_unusable, directory.string() + ": " + std::string(verdict.remark));
  }
  if (verdict.use == FileSystemUse::warned) {
    log.warning(verdict.remark, {{"path", directory.string()}});
  }
}

bool sync_directory(const std::filesystem::path& directory, Disk& disk, DiskHealth& health) {
  if (const int error = disk.before_sync(StoreFile::directory); error != 0) {
    health.sync_failed(StoreFile::directory, error);
    return false;
  }
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0 || ::fsync(descriptor) != 0) {
    health.sync_failed(StoreFile::directory, errno);
  } else {
    health.synced(StoreFile::directory);
  }
  if (descriptor >= 0) ::close(descriptor);
  return !health.failed();
}

void make_private(const std::filesystem::path& file) noexcept {
  const int created = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (created >= 0) ::close(created);
}

}  // namespace wxpush::queue
