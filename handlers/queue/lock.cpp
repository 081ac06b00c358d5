#include "handlers/queue/lock.h"

#include "handlers/queue/queue.h"
#include "handlers/queue/store_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace wxpush::queue {
namespace {

std::string owner_of(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(descriptor, text.data(), text.size(), 0);
  std::string owner(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  owner.erase(std::min(owner.find_first_of(" \n"), owner.size()));
  return owner.empty() ? "another process" : "process " + owner;
}

// 0, or the error. Whoever looks whether the store is served (is_served) has the lock for an
// instant: that is no reason to refuse a start.
int take(int descriptor, const std::function<bool()>& ask_again) {
  constexpr int more_looks = 20;
  constexpr int between_milliseconds = 10;
  for (int look = 0;;) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return 0;
    const int error = errno;
    if (error == EINTR) continue;
    if (error != EWOULDBLOCK) return error;
    if (ask_again) {
      if (!ask_again()) return error;
    } else if (look++ < more_looks) {
      ::poll(nullptr, 0, between_milliseconds);
    } else {
      return error;
    }
  }
}

// The id is a courtesy to people: a full disk must not keep a store from opening. As wide as its
// line always is, since another follows.
void write_owner(int descriptor) {
  std::string owner = std::to_string(::getpid());
  owner.resize(15, ' ');
  owner += '\n';
  [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, owner.data(), owner.size(), 0);
}

}  // namespace

Lock::Lock(const std::filesystem::path& file, const std::function<bool()>& ask_again)
    : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (descriptor_ < 0) {
    const int error = errno;
    throw StoreOpenError(
        error == EACCES || error == EPERM || error == EROFS ? exit_no_permission
                                                            : exit_store_failed,
        "cannot open " + file.string() + ": " + std::generic_category().message(error));
  }
  int error = 0;
  try {
    error = take(descriptor_, ask_again);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
  if (error == 0) {
    write_owner(descriptor_);
    return;
  }
  const std::string owner = owner_of(descriptor_);
  ::close(descriptor_);
  if (error == EWOULDBLOCK) {
    throw StoreOpenError(exit_locked, "the store " + file.parent_path().string() +
                                          " is in use by " + owner + "; stop it first");
  }
  throw StoreOpenError(exit_store_failed, "cannot lock " + file.string() + ": " +
                                              std::generic_category().message(error));
}

Lock::~Lock() {
  ::close(descriptor_);
}

bool is_served(const std::filesystem::path& directory) {
  const int file = ::open(StoreFiles(directory).lock.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return false;
  const bool taken = ::flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return taken;
}

}  // namespace wxpush::queue
