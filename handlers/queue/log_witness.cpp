#include "handlers/queue/log_witness.h"

#include "handlers/queue/hashes.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace wxpush::queue {
namespace {

constexpr off_t place = 16;               // behind the owner's line
constexpr std::size_t said = 37;          // "log " + salts + ' ' + frames
constexpr std::size_t whole = said + 18;  // + ' ' + their hash + '\n'
constexpr off_t salts_at = 16;            // in the log's header

using Line = std::array<char, whole + 1>;

// A line that people can read. Its hash tells one that was written in part. 0, or the error.
int write_line(int lock, std::uint64_t salts, std::uint64_t frames) noexcept {
  Line line{};
  std::snprintf(line.data(), line.size(), "log %016" PRIx64 " %016" PRIx64, salts, frames);
  const auto hash = static_cast<std::uint64_t>(order_hash({line.data(), said}));
  std::snprintf(line.data() + said, line.size() - said, " %016" PRIx64 "\n", hash);
  const ssize_t written = ::pwrite(lock, line.data(), whole, place);
  if (written == static_cast<ssize_t>(whole)) return 0;
  return written < 0 ? errno : ENOSPC;
}

// That the log may be empty: by the line, or, where none can be written, without any.
int forget(int lock, Disk& disk) {
  int error = disk.before_write(StoreFile::other, place, whole);
  if (error == 0) error = write_line(lock, 0, 0);
  if (error != 0 && ::ftruncate(lock, place) == 0) return 0;
  return error;
}

std::optional<std::uint64_t> number(std::string_view hex) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
  if (error != std::errc() || end != hex.data() + hex.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<WitnessedLog> read_witness(const StoreFiles& files) {
  const int file = ::open(files.lock.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return std::nullopt;
  Line line{};
  const ssize_t got = ::pread(file, line.data(), whole, place);
  ::close(file);  // of LOCK: flock belongs to the descriptor that took it
  const std::string_view text(line.data(), whole);
  if (got != static_cast<ssize_t>(whole) || !text.starts_with("log ") || text[said] != ' ')
    return std::nullopt;
  const auto salts = number(text.substr(4, 16));
  const auto frames = number(text.substr(21, 16));
  const auto hash = number(text.substr(said + 1, 16));
  if (!salts || !frames || !hash) return std::nullopt;
  if (*hash != static_cast<std::uint64_t>(order_hash(text.substr(0, said)))) return std::nullopt;
  return WitnessedLog{.salts = *salts, .frames = *frames};
}

LogWitness::LogWitness(const StoreFiles& files, const Lock& lock)
    : lock_(lock), log_(::open(files.wal.c_str(), O_RDONLY | O_CLOEXEC)) {}

LogWitness::~LogWitness() {
  if (log_ >= 0) ::close(log_);
}

void LogWitness::saw(std::uint64_t frames) noexcept {
  std::array<unsigned char, 8> bytes{};
  if (::pread(log_, bytes.data(), bytes.size(), salts_at) != static_cast<ssize_t>(bytes.size()))
    return;
  std::uint64_t salts = 0;
  for (const unsigned char byte : bytes) salts = salts << 8 | byte;
  // What a full disk or a bad one refuses leaves the line before, which says too little, or none.
  write_line(lock_.descriptor(), salts, frames);
}

bool expect_empty_log(const Lock& lock, Disk& disk, DiskHealth& health) {
  if (const int error = forget(lock.descriptor(), disk); error != 0) {
    health.write_failed(StoreFile::other, error);
    health.fail("how long the log is could not be written into LOCK");
    return false;
  }
  int error = disk.before_sync(StoreFile::other);
  if (error == 0 && ::fdatasync(lock.descriptor()) != 0) error = errno;
  if (error == 0) return true;
  health.sync_failed(StoreFile::other, error);
  return false;
}

}  // namespace wxpush::queue
