#include "server/listener.h"

#include "server/service.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace wxpush::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using GenericProtocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<GenericProtocol>;

[[noreturn]] void fail(const std::string& address, const std::string& what,
                       const error_code& error) {
  const bool permission = error == asio::error::access_denied || error.value() == EPERM;
  throw StartError(permission ? 77 : 69,
                   "cannot listen on " + address + ": " + what + ": " + error.message() +
                       (error == asio::error::address_in_use
                            ? "; another process serves there: stop it, or choose another address"
                            : ""));
}

GenericProtocol::endpoint endpoint_of(const config::TcpAddress& address) {
  return asio::ip::tcp::endpoint{asio::ip::make_address(address.host), address.port};
}

// A socket file that nobody listens on is left from a crash: it may go. A file that is no socket is
// not ours.
void remove_stale(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return;
  if (!S_ISSOCK(info.st_mode))
    throw StartError(69,
                     "cannot listen on unix:" + path + ": a file that is no socket is in the way");
  asio::io_context context;
  asio::local::stream_protocol::socket probe(context);
  error_code error;
  probe.connect(asio::local::stream_protocol::endpoint(path), error);
  if (!error)
    throw StartError(69, "cannot listen on unix:" + path + ": another process serves there");
  unlink(path.c_str());
}

Peer peer_of(int fd) {
  Peer peer;
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return peer;
  if (storage.ss_family == AF_UNIX) {
    peer.local = true;
    peer.text = "unix";
    return peer;
  }
  asio::ip::address_v6 address;
  if (storage.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
    const asio::ip::address_v4 v4(ntohl(in->sin_addr.s_addr));
    peer.text = v4.to_string();
    address = asio::ip::make_address_v6(asio::ip::v4_mapped, v4);
  } else {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&storage);
    asio::ip::address_v6::bytes_type bytes;
    std::copy_n(in->sin6_addr.s6_addr, bytes.size(), bytes.begin());
    address = asio::ip::address_v6(bytes);
    peer.text = address.is_v4_mapped()
                    ? asio::ip::make_address_v4(asio::ip::v4_mapped, address).to_string()
                    : address.to_string();
  }
  const auto bytes = address.to_bytes();
  std::copy(bytes.begin(), bytes.end(), peer.address.begin());
  return peer;
}

}  // namespace

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  Impl(asio::io_context& context, IoThreads& t, SessionHost& h, ConnectionLimits& l)
      : acceptor(context), retry(context), threads(t), host(h), limits(l) {}

  Acceptor acceptor;
  asio::steady_timer retry;
  IoThreads& threads;
  SessionHost& host;
  ConnectionLimits& limits;
  std::string address;
  std::string socket_file;  // to remove at the end

  void bind(const GenericProtocol::endpoint& endpoint, const std::string& name) {
    error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (error) fail(name, "socket", error);
    if (endpoint.protocol().family() != AF_UNIX)
      acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(endpoint, error);
    if (error) fail(name, "bind", error);
    acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) fail(name, "listen", error);
  }

  void accept_next() {
    auto& thread = threads.least_loaded();
    acceptor.async_accept(thread.context, [self = shared_from_this(), &thread](
                                              const error_code& error, Socket socket) {
      if (error == asio::error::operation_aborted || !self->acceptor.is_open()) return;
      if (error) return self->accept_later(error);
      self->deal(thread, std::move(socket));
      self->accept_next();
    });
  }

  // Out of file descriptors or memory: the connections in service go on, new ones wait in the
  // backlog.
  void accept_later(const error_code& error) {
    host.log.warning(
        "cannot accept connections now; raise the limit of open files (LimitNOFILE, ulimit -n)",
        {{"error", error.message()}});
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([self = shared_from_this()](const error_code& stopped) {
      if (!stopped && self->acceptor.is_open()) self->accept_next();
    });
  }

  void deal(IoThread& thread, Socket socket) {
    const auto now = host.clock.steady();
    auto peer = peer_of(socket.native_handle());
    const auto entry = limits.enter(peer);
    if (entry != ConnectionLimits::Entry::admitted)
      return host.observer.turned_away(peer, entry == ConnectionLimits::Entry::address_full);
    if (!peer.local) {
      const int one = 1;
      setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    thread.connections.fetch_add(1);
    asio::post(thread.context, [self = shared_from_this(), &thread, s = std::move(socket), now,
                                peer]() mutable {
      auto ended = [self, &thread, peer] {
        thread.connections.fetch_sub(1);
        self->limits.leave(peer);
      };
      serve_connection(self->host, thread.deadlines, std::move(s), peer, now, std::move(ended));
    });
  }
};

Listener::Listener(asio::io_context& acceptor, const config::ListenAddress& address,
                   unsigned unix_mode, IoThreads& threads, SessionHost& host,
                   ConnectionLimits& limits)
    : impl_(std::make_shared<Impl>(acceptor, threads, host, limits)) {
  if (const auto* tcp = std::get_if<config::TcpAddress>(&address)) {
    impl_->bind(endpoint_of(*tcp), config::to_string(address));
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    getsockname(impl_->acceptor.native_handle(), reinterpret_cast<sockaddr*>(&bound), &size);
    const auto port = bound.ss_family == AF_INET6
                          ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                          : reinterpret_cast<sockaddr_in*>(&bound)->sin_port;
    impl_->address = config::to_string(config::TcpAddress{tcp->host, ntohs(port)});
    return;
  }
  const auto path = std::get<config::UnixAddress>(address).path.string();
  remove_stale(path);
  const auto old_mask = umask(0777U & ~unix_mode);
  try {
    impl_->bind(asio::local::stream_protocol::endpoint(path), "unix:" + path);
  } catch (...) {
    umask(old_mask);
    throw;
  }
  umask(old_mask);
  impl_->socket_file = path;
  impl_->address = "unix:" + path;
}

Listener::~Listener() {
  if (!impl_->socket_file.empty()) unlink(impl_->socket_file.c_str());
}

void Listener::accept() {
  asio::post(impl_->acceptor.get_executor(), [impl = impl_] { impl->accept_next(); });
}

void Listener::close() {
  asio::post(impl_->acceptor.get_executor(), [impl = impl_] {
    error_code ignored;
    impl->acceptor.close(ignored);
    impl->retry.cancel();
  });
}

std::string Listener::address() const {
  return impl_->address;
}

}  // namespace wxpush::server
