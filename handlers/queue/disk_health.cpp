#include "handlers/queue/disk_health.h"

#include <cerrno>
#include <system_error>

namespace wxpush::queue {
namespace {

const char* name_of(StoreFile file) noexcept {
  switch (file) {
    case StoreFile::database:
      return "the database";
    case StoreFile::wal:
      return "the write-ahead log";
    case StoreFile::shared_memory:
      return "the shared memory of the log";
    case StoreFile::directory:
      return "the directory";
    case StoreFile::reserve:
      return "the reserve";
    case StoreFile::other:
      break;
  }
  return "a file";
}

std::string describe(const char* verb, StoreFile file, int error) {
  return std::string(verb) + " " + name_of(file) +
         " of the store failed: " + std::generic_category().message(error);
}

}  // namespace

bool means_no_space(int error) noexcept {
  return error == ENOSPC || error == EDQUOT;
}

void DiskHealth::wrote(StoreFile file, std::uint64_t bytes) noexcept {
  ++counts_[static_cast<std::size_t>(file)].writes;
  bytes_ += bytes;
}

void DiskHealth::synced(StoreFile file) noexcept {
  ++counts_[static_cast<std::size_t>(file)].syncs;
}

void DiskHealth::write_failed(StoreFile file, int error) {
  if (means_no_space(error)) {
    full_ = true;
  } else {
    fail(describe("writing", file, error));
  }
}

void DiskHealth::sync_failed(StoreFile file, int error) {
  fail(describe("syncing", file, error));
}

void DiskHealth::fail(const std::string& what) {
  if (failure_.empty()) failure_ = what.empty() ? "unknown failure" : what;
}

bool DiskHealth::take_full() noexcept {
  const bool was = full_;
  full_ = false;
  return was;
}

const DiskHealth::Counts& DiskHealth::counts(StoreFile file) const noexcept {
  return counts_[static_cast<std::size_t>(file)];
}

}  // namespace wxpush::queue
