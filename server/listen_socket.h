#pragma once
// A listening socket, bound here or handed over by whoever started this process. Nothing of Asio:
// the supervisor, which has no event loop of its kind, holds them, too.

#include "config/settings.h"

#include <string>

namespace wxpush::server {

constexpr unsigned push_socket_mode = 0660;  // the reverse proxy's group may connect
constexpr unsigned admin_socket_mode = 0600;

// Owns the descriptor; closed with it. The file of a unix socket that was bound here goes, too.
class ListenSocket {
 public:
  // Binds and listens. Throws StartError: 69 address in use or not ours, 77 no permission.
  static ListenSocket bind(const config::ListenAddress& address, unsigned unix_mode);
  // Throws StartError 78 if it is no stream socket that listens; then it is not closed.
  static ListenSocket adopt(int descriptor);

  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;
  ~ListenSocket() { close(); }

  int descriptor() const noexcept { return descriptor_; }
  int family() const;
  const std::string& address() const noexcept { return address_; }  // with the real port
  void close() noexcept;

 private:
  explicit ListenSocket(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
  std::string address_;
  std::string file_;  // to remove at the end
};

}  // namespace wxpush::server
