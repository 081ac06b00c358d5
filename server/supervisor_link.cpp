#include "server/supervisor_link.h"

#include <sys/socket.h>
#include <sys/types.h>

namespace wxpush::server {

void tell(int link, char what) noexcept {
  if (link < 0) return;
  [[maybe_unused]] const ssize_t sent = ::send(link, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace wxpush::server
