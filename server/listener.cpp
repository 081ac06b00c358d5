#include "server/listener.h"

#include "server/start_error.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <future>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

namespace wxpush::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using GenericProtocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<GenericProtocol>;

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
  Impl(asio::io_context& context, ListenSocket s, IoThreads& t, SessionHost& h, ConnectionLimits& l)
      : listening(std::move(s)),
        address(listening.address()),
        acceptor(context),
        retry(context),
        threads(t),
        host(h),
        limits(l) {
    error_code error;
    acceptor.assign(GenericProtocol(listening.family(), 0), listening.descriptor(), error);
    if (error) throw StartError(69, "cannot listen on " + address + ": " + error.message());
  }
  // The descriptor is the socket's, also where it was never closed.
  ~Impl() { let_go(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ListenSocket listening;
  const std::string address;
  Acceptor acceptor;
  asio::steady_timer retry;
  IoThreads& threads;
  SessionHost& host;
  ConnectionLimits& limits;

  // Released, not closed, by the acceptor: where others hold the socket, too, epoll would go on to
  // tell us of it after a close.
  void let_go() {
    error_code ignored;
    if (acceptor.is_open()) acceptor.release(ignored);
  }

  void close() {
    let_go();
    listening.close();
    retry.cancel();
  }

  void accept_next() {
    auto& thread = threads.least_loaded();
    acceptor.async_accept(thread.context, [self = shared_from_this(), &thread](
                                              const error_code& error, Socket socket) {
      // One that was accepted before we were closed is served: nobody else would.
      if (!error) self->deal(thread, std::move(socket));
      if (error == asio::error::operation_aborted || !self->acceptor.is_open()) return;
      if (error) return self->accept_later(error);
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
    asio::post(thread.context,
               [self = shared_from_this(), &thread, s = std::move(socket), now, peer]() mutable {
                 auto ended = [self, &thread, peer] {
                   thread.connections.fetch_sub(1);
                   self->limits.leave(peer);
                 };
                 serve_connection(self->host, thread, std::move(s), peer, now, std::move(ended));
               });
  }
};

Listener::Listener(asio::io_context& acceptor, ListenSocket socket, IoThreads& threads,
                   SessionHost& host, ConnectionLimits& limits)
    : impl_(std::make_shared<Impl>(acceptor, std::move(socket), threads, host, limits)) {}

void Listener::accept() {
  asio::post(impl_->acceptor.get_executor(), [impl = impl_] { impl->accept_next(); });
}

void Listener::close() {
  asio::post(impl_->acceptor.get_executor(), [impl = impl_] { impl->close(); });
}

void Listener::close_and_wait() {
  const auto closed = std::make_shared<std::promise<void>>();
  // In two steps: what was accepted before is dealt in between.
  asio::post(impl_->acceptor.get_executor(), [impl = impl_, closed] {
    impl->close();
    asio::post(impl->acceptor.get_executor(), [closed] { closed->set_value(); });
  });
  closed->get_future().wait();
}

std::string Listener::address() const {
  return impl_->address;
}

}  // namespace wxpush::server
