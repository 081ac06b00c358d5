#pragma once
// Who is at the other end of a connection.

#include <array>
#include <cstdint>
#include <string>

namespace wxpush::server {

struct Peer {
  std::string text;                        // numeric address, or "unix"
  std::array<std::uint8_t, 16> address{};  // IPv4 as IPv4-mapped IPv6; zero for unix sockets
  bool local = false;                      // a unix socket
};

}  // namespace wxpush::server
