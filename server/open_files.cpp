#include "server/open_files.h"

#include "server/start_error.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace wxpush::server {
namespace {

constexpr rlim_t beside_connections =
    128;  // the store, its readers, listeners, event loops, the log

class Opened {
 public:
  ~Opened() {
    for (const int one : descriptors_) ::close(one);
  }
  Opened() = default;
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  // False, and errno says why.
  bool one_more() {
    const int descriptor = ::open("/", O_PATH | O_CLOEXEC);
    if (descriptor >= 0) descriptors_.push_back(descriptor);
    return descriptor >= 0;
  }

 private:
  std::vector<int> descriptors_;
};

}  // namespace

void require_open_files(std::size_t count) {
  Opened opened;
  for (std::size_t i = 0; i < count; ++i) {
    if (opened.one_more()) continue;
    throw StartError(69, "too few files may be open: " + std::to_string(count) +
                             " more are needed to start, " + std::to_string(i) +
                             " can be opened (" + std::generic_category().message(errno) +
                             "); raise the limit (ulimit -n, LimitNOFILE= in the unit)");
  }
}

void raise_open_files(std::size_t connections, Log& log) {
  const rlim_t needed = connections + beside_connections;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min(needed, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return;
  log.warning(
      "fewer files may be open than max_connections needs: new connections wait when they are "
      "used up",
      {{"open_files", static_cast<std::uint64_t>(limit.rlim_cur)},
       {"needed", static_cast<std::uint64_t>(needed)},
       {"remedy",
        "raise the hard limit (LimitNOFILE= in the unit, --ulimit nofile= for a container), or "
        "lower server.max_connections"}});
}

}  // namespace wxpush::server
