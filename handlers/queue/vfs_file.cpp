#include "handlers/queue/vfs_file.h"

#include "handlers/queue/page_checksum.h"
#include "handlers/queue/place.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>

namespace wxpush::queue {
namespace {

const sqlite3_io_methods& methods(sqlite3_file* file) {
  return *real(file)->pMethods;
}

int last_errno(sqlite3_file* file) {
  int error = 0;
  methods(file).xFileControl(real(file), SQLITE_FCNTL_LAST_ERRNO, &error);
  return error != 0 ? error : EIO;
}

// `unix` answers SQLITE_FULL for ENOSPC and for a short write without an errno.
int note_write(sqlite3_file* file, int result, std::uint64_t bytes) {
  ShimFile& self = shim(file);
  if (result == SQLITE_OK) {
    self.health->wrote(self.role, bytes);
    return result;
  }
  const int error = result == SQLITE_FULL ? ENOSPC : last_errno(file);
  self.health->write_failed(self.role, error);
  return means_no_space(error) ? SQLITE_FULL : result;
}

// SQLITE_OK if the write may go ahead.
int ask_to_write(sqlite3_file* file, std::uint64_t offset, std::uint64_t size) {
  ShimFile& self = shim(file);
  if (self.health->failed()) return SQLITE_IOERR_WRITE;
  const int error = self.disk->before_write(self.role, offset, size);
  if (error == 0) return SQLITE_OK;
  self.health->write_failed(self.role, error);
  return means_no_space(error) ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

using Page = std::array<unsigned char, database_page_bytes>;

bool is_page(int size, sqlite3_int64 offset) {
  constexpr auto page = static_cast<sqlite3_int64>(database_page_bytes);
  return size == page && offset % page == 0;
}

PageBytes page_at(const void* data) {
  return PageBytes(static_cast<const unsigned char*>(data), database_page_bytes);
}

PageNumber number_of(sqlite3_int64 offset) {
  return static_cast<PageNumber>(offset / static_cast<sqlite3_int64>(database_page_bytes) + 1);
}

// The caller's page stays as it is: the log's checksums cover it.
int write_checked(sqlite3_file* file, const void* data, sqlite3_int64 offset) {
  Page page;
  std::ranges::copy(page_at(data), page.begin());
  store_checksum(number_of(offset), page);
  return methods(file).xWrite(real(file), page.data(), static_cast<int>(page.size()), offset);
}

int write_now(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  ShimFile& self = shim(file);
  const auto bytes = static_cast<std::uint64_t>(size);
  const int asked = ask_to_write(file, static_cast<std::uint64_t>(offset), bytes);
  if (asked != SQLITE_OK) return asked;
  const bool page = self.role == StoreFile::database && is_page(size, offset);
  if (page && offset == 0) self.checked = page_at(data)[reserved_bytes_at] == page_checksum_bytes;
  if (page && self.checked) return note_write(file, write_checked(file, data, offset), bytes);
  return note_write(file, methods(file).xWrite(real(file), data, size, offset), bytes);
}

int hand_on(sqlite3_file* file) {
  GatheredWrites* const gathered = shim(file).gathered;
  if (gathered == nullptr || gathered->size == 0) return SQLITE_OK;
  const auto size = static_cast<int>(std::exchange(gathered->size, 0));
  const int result = write_now(file, gathered->bytes.data(), size, gathered->at);
  if (result != SQLITE_OK) gathered->lost_at = gathered->at;
  return result;
}

bool follows(const GatheredWrites& gathered, std::size_t size, sqlite3_int64 offset) {
  return gathered.at + static_cast<sqlite3_int64>(gathered.size) == offset &&
         gathered.size + size <= gathered.bytes.size();
}

// The head of a frame in the log says how large the database is after a commit, where the frame
// ends one, else 0 (https://www.sqlite.org/fileformat2.html#walformat).
bool is_head_of_commit(std::span<const unsigned char> written) {
  constexpr std::size_t frame_head = 24;
  constexpr std::size_t pages_after = 4;  // where it says so
  return written.size() == frame_head &&
         std::ranges::any_of(written.subspan(pages_after, 4), [](auto byte) { return byte != 0; });
}

int x_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  ShimFile& self = shim(file);
  if (self.health->failed()) return SQLITE_IOERR_WRITE;
  const std::span written(static_cast<const unsigned char*>(data), static_cast<std::size_t>(size));
  GatheredWrites* const gathered = self.gathered;
  if (gathered == nullptr) return write_now(file, data, size, offset);
  if (gathered->lost_at && offset > *gathered->lost_at) return SQLITE_IOERR_WRITE;
  gathered->lost_at.reset();
  if (!follows(*gathered, written.size(), offset)) {
    if (const int result = hand_on(file); result != SQLITE_OK) return result;
    if (written.size() > gathered->bytes.size()) return write_now(file, data, size, offset);
    gathered->at = offset;
  }
  std::ranges::copy(written, gathered->bytes.data() + gathered->size);
  gathered->size += written.size();
  if (std::exchange(gathered->ends_commit, is_head_of_commit(written))) return hand_on(file);
  return SQLITE_OK;
}

int x_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int result = hand_on(file); result != SQLITE_OK) return result;
  const int asked = ask_to_write(file, static_cast<std::uint64_t>(size), 0);
  if (asked != SQLITE_OK) return asked;
  return note_write(file, methods(file).xTruncate(real(file), size), 0);
}

int x_sync(sqlite3_file* file, int flags) {
  ShimFile& self = shim(file);
  if (self.health->failed()) return SQLITE_IOERR_FSYNC;
  if (const int result = hand_on(file); result != SQLITE_OK) return result;
  if (const int error = self.disk->before_sync(self.role); error != 0) {
    self.health->sync_failed(self.role, error);
    return SQLITE_IOERR_FSYNC;
  }
  const int result = methods(file).xSync(real(file), flags);
  if (result != SQLITE_OK) {
    self.health->sync_failed(self.role, last_errno(file));
    return result;
  }
  self.health->synced(self.role);
  if (self.unsynced_name == nullptr) return SQLITE_OK;
  const std::filesystem::path name = std::exchange(self.unsynced_name, nullptr);
  const bool named = sync_directory(name.parent_path(), *self.disk, *self.health);
  return named ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

// Growing the log's shared memory writes to its file, beneath the VFS's own write.
int x_shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
  ShimFile& self = shim(file);
  if (extend != 0) {
    const auto bytes = static_cast<std::uint64_t>(size);
    const int error = self.disk->before_write(StoreFile::shared_memory,
                                              static_cast<std::uint64_t>(region) * bytes, bytes);
    if (error != 0) {
      self.health->write_failed(StoreFile::shared_memory, error);
      return means_no_space(error) ? SQLITE_FULL : SQLITE_IOERR_SHMSIZE;
    }
  }
  errno = 0;
  const int result = methods(file).xShmMap(real(file), region, size, extend, out);
  if (result == SQLITE_IOERR_SHMSIZE && means_no_space(errno)) {
    self.health->write_failed(StoreFile::shared_memory, errno);
    return SQLITE_FULL;
  }
  return result;
}

int x_close(sqlite3_file* file) {
  const int result = hand_on(file);
  delete std::exchange(shim(file).gathered, nullptr);
  const int closed = methods(file).xClose(real(file));
  return result != SQLITE_OK ? result : closed;
}
// A page that is no page of ours was asked for because the header, which is damaged, says so.
int x_read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  constexpr int header = 100;
  if (const int failed = hand_on(file); failed != SQLITE_OK) return failed;
  const int result = methods(file).xRead(real(file), out, size, offset);
  const bool was_cut_off = result == SQLITE_IOERR_SHORT_READ && !shim(file).zeros_pass;
  if (!shim(file).checked || size <= header || (result != SQLITE_OK && !was_cut_off)) return result;
  if (!was_cut_off && is_page(size, offset)) {
    const auto is_right = shim(file).zeros_pass ? is_as_written : checksum_is_right;
    if (is_right(number_of(offset), page_at(out))) return result;
  }
  sqlite3_log(SQLITE_IOERR_DATA, "page %lld of queue.db is damaged: its checksum differs",
              offset / size + 1);
  return SQLITE_IOERR_DATA;
}
int x_file_size(sqlite3_file* file, sqlite3_int64* out) {
  if (const int result = hand_on(file); result != SQLITE_OK) return result;
  return methods(file).xFileSize(real(file), out);
}
int x_lock(sqlite3_file* file, int level) {
  return methods(file).xLock(real(file), level);
}
int x_unlock(sqlite3_file* file, int level) {
  return methods(file).xUnlock(real(file), level);
}
int x_check_reserved(sqlite3_file* file, int* out) {
  return methods(file).xCheckReservedLock(real(file), out);
}
int x_control(sqlite3_file* file, int operation, void* argument) {
  return methods(file).xFileControl(real(file), operation, argument);
}
int x_sector_size(sqlite3_file* file) {
  return methods(file).xSectorSize(real(file));
}
int x_characteristics(sqlite3_file* file) {
  return methods(file).xDeviceCharacteristics(real(file));
}
int x_shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return methods(file).xShmLock(real(file), offset, n, flags);
}
void x_shm_barrier(sqlite3_file* file) {
  methods(file).xShmBarrier(real(file));
}
int x_shm_unmap(sqlite3_file* file, int remove) {
  return methods(file).xShmUnmap(real(file), remove);
}

// Version 2 leaves out xFetch: no memory-mapped database, so every byte written passes x_write.
constexpr sqlite3_io_methods all_methods = {2,
                                            x_close,
                                            x_read,
                                            x_write,
                                            x_truncate,
                                            x_sync,
                                            x_file_size,
                                            x_lock,
                                            x_unlock,
                                            x_check_reserved,
                                            x_control,
                                            x_sector_size,
                                            x_characteristics,
                                            x_shm_map,
                                            x_shm_lock,
                                            x_shm_barrier,
                                            x_shm_unmap,
                                            nullptr,
                                            nullptr};

}  // namespace

bool database_has_checksums(sqlite3_file* file) {
  Page page;
  return any_has_checksum([&](PageNumber number) -> std::optional<PageBytes> {
    const std::uint64_t at = std::uint64_t{number - 1} * database_page_bytes;
    const int read = methods(file).xRead(real(file), page.data(), static_cast<int>(page.size()),
                                         static_cast<sqlite3_int64>(at));
    if (read != SQLITE_OK) return std::nullopt;
    return PageBytes(page);
  });
}

const sqlite3_io_methods& shim_methods() noexcept {
  return all_methods;
}

}  // namespace wxpush::queue
