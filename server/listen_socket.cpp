#include "server/listen_socket.h"

#include "server/start_error.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace wxpush::server {
namespace {

// What fits no queue is refused; the kernel has a limit of its own (net.core.somaxconn). It holds
// what comes while one worker takes another's place.
constexpr int backlog = SOMAXCONN;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* pointer() { return reinterpret_cast<sockaddr*>(&storage); }
};

[[noreturn]] void fail(const std::string& address, const char* what, int error) {
  const bool permission = error == EACCES || error == EPERM;
  throw StartError(permission ? 77 : 69,
                   "cannot listen on " + address + ": " + what + ": " +
                       std::generic_category().message(error) +
                       (error == EADDRINUSE
                            ? "; another process serves there: stop it, or choose another address"
                            : ""));
}

Address address_of(const config::TcpAddress& tcp) {
  Address made;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&made.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&made.storage);
  if (inet_pton(AF_INET, tcp.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(tcp.port);
    made.size = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, tcp.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(tcp.port);
    made.size = sizeof(sockaddr_in6);
  } else {
    throw StartError(69, "cannot listen on " + tcp.host + ": no numeric address");
  }
  return made;
}

Address address_of(const std::string& path) {
  Address made;
  auto* local = reinterpret_cast<sockaddr_un*>(&made.storage);
  if (path.size() >= sizeof local->sun_path) fail("unix:" + path, "path", ENAMETOOLONG);
  local->sun_family = AF_UNIX;
  std::memcpy(local->sun_path, path.c_str(), path.size() + 1);
  made.size = sizeof(sockaddr_un);
  return made;
}

int open_socket(int family, const std::string& name) {
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) fail(name, "socket", errno);
  return descriptor;
}

// A socket file that nobody listens on is left from a crash: it may go. A file that is no socket is
// not ours.
void remove_stale(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return;
  if (!S_ISSOCK(info.st_mode))
    throw StartError(69,
                     "cannot listen on unix:" + path + ": a file that is no socket is in the way");
  auto address = address_of(path);
  const int probe = open_socket(AF_UNIX, "unix:" + path);
  const bool served = ::connect(probe, address.pointer(), address.size) == 0;
  ::close(probe);
  if (served)
    throw StartError(69, "cannot listen on unix:" + path + ": another process serves there");
  unlink(path.c_str());
}

void bind_and_listen(int descriptor, Address address, const std::string& name) {
  const int one = 1;
  if (address.storage.ss_family != AF_UNIX)
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(descriptor, address.pointer(), address.size) != 0) fail(name, "bind", errno);
  if (::listen(descriptor, backlog) != 0) fail(name, "listen", errno);
}

// The umask belongs to the whole process, so it is changed for as long as bind() takes.
class UmaskScope {
 public:
  explicit UmaskScope(unsigned mode) : before_(umask(0777U & ~mode)) {}
  ~UmaskScope() { umask(before_); }
  UmaskScope(const UmaskScope&) = delete;
  UmaskScope& operator=(const UmaskScope&) = delete;

 private:
  mode_t before_;
};

std::string bound_address(int descriptor) {
  Address bound;
  if (getsockname(descriptor, bound.pointer(), &bound.size) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  switch (bound.storage.ss_family) {
    case AF_INET: {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(&bound.storage);
      inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
      return config::to_string(config::TcpAddress{text.data(), ntohs(v4->sin_port)});
    }
    case AF_INET6: {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&bound.storage);
      inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
      return config::to_string(config::TcpAddress{text.data(), ntohs(v6->sin6_port)});
    }
    case AF_UNIX: {
      const auto* local = reinterpret_cast<const sockaddr_un*>(&bound.storage);
      const auto room = bound.size - offsetof(sockaddr_un, sun_path);
      return "unix:" + std::string(local->sun_path, strnlen(local->sun_path, room));
    }
    default:
      return {};
  }
}

}  // namespace

ListenSocket ListenSocket::bind(const config::ListenAddress& address, unsigned unix_mode) {
  if (const auto* tcp = std::get_if<config::TcpAddress>(&address)) {
    const auto name = config::to_string(address);
    const auto where = address_of(*tcp);
    ListenSocket made(open_socket(where.storage.ss_family, name));
    bind_and_listen(made.descriptor_, where, name);
    made.address_ = bound_address(made.descriptor_);
    return made;
  }
  const auto path = std::get<config::UnixAddress>(address).path.string();
  remove_stale(path);
  ListenSocket made(open_socket(AF_UNIX, "unix:" + path));
  {
    const UmaskScope scope(unix_mode);
    bind_and_listen(made.descriptor_, address_of(path), "unix:" + path);
  }
  made.file_ = path;
  made.address_ = "unix:" + path;
  return made;
}

ListenSocket ListenSocket::adopt(int descriptor) {
  int type = 0;
  int listens = 0;
  socklen_t size = sizeof type;
  const bool fits = getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                    getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
                    type == SOCK_STREAM && listens != 0;
  if (!fits)
    throw StartError(78, "descriptor " + std::to_string(descriptor) +
                             ", handed over by LISTEN_FDS, is no stream socket that listens");
  ListenSocket made(descriptor);
  made.address_ = bound_address(descriptor);
  return made;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      address_(std::move(other.address_)),
      file_(std::exchange(other.file_, {})) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  if (this == &other) return *this;
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  address_ = std::move(other.address_);
  file_ = std::exchange(other.file_, {});
  return *this;
}

int ListenSocket::family() const {
  Address bound;
  getsockname(descriptor_, bound.pointer(), &bound.size);
  return bound.storage.ss_family;
}

void ListenSocket::close() noexcept {
  if (descriptor_ < 0) return;
  // First the name: as long as we listen, nobody else puts a file of his there.
  if (!file_.empty()) unlink(file_.c_str());
  file_.clear();
  ::close(std::exchange(descriptor_, -1));
}

}  // namespace wxpush::server
