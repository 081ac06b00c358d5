#include "handlers/queue/reserve.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace wxpush::queue {
namespace {

// For file systems that cannot set blocks aside.
int write_zeros(int descriptor) {
  static constexpr std::array<char, 65'536> zeros{};
  for (std::uint64_t at = 0; at < reserve_bytes;) {
    const std::uint64_t size = std::min<std::uint64_t>(zeros.size(), reserve_bytes - at);
    const ssize_t written = ::pwrite(descriptor, zeros.data(), size, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : ENOSPC;
    at += static_cast<std::uint64_t>(written);
  }
  return 0;
}

int set_aside(int descriptor) {
  for (;;) {
    if (::fallocate(descriptor, 0, 0, static_cast<off_t>(reserve_bytes)) == 0) return 0;
    if (errno == EINTR) continue;
    return errno == EOPNOTSUPP || errno == ENOSYS ? write_zeros(descriptor) : errno;
  }
}

}  // namespace

bool Reserve::take() {
  if (taken_) return true;
  if (means_no_space(disk_.before_write(StoreFile::reserve, 0, reserve_bytes))) return false;
  const int descriptor = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return !means_no_space(errno);
  const int error = set_aside(descriptor);
  ::close(descriptor);
  taken_ = error == 0;
  if (!taken_) release();
  return !means_no_space(error);
}

void Reserve::release() noexcept {
  taken_ = false;
  // Nothing to be done if it fails: then there is nothing to give back either.
  [[maybe_unused]] const int ignored = ::truncate(file_.c_str(), 0);
}

}  // namespace wxpush::queue
