#include "server/open_files.h"

#include <algorithm>
#include <sys/resource.h>

namespace wxpush::server {
namespace {

constexpr rlim_t beside_connections =
    128;  // the store, its readers, listeners, event loops, the log

}  // namespace

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
