#pragma once
// Which addresses belong to the public internet.

#include <string>

namespace wxpush::sink {

// Loopback, private, link-local, unique local, multicast, unspecified and the like: not reachable
// as a public address. IPv4 in IPv6 counts as what it is.
bool is_public_address(const std::string& address);

}  // namespace wxpush::sink
