#pragma once
// How many connections are open, in all and per address. Thread-safe.

#include "config/settings.h"
#include "server/peer.h"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace wxpush::server {

class ConnectionLimits {
 public:
  ConnectionLimits(std::size_t max, std::size_t max_per_address,
                   std::vector<config::Network> trusted)
      : max_(max), max_per_address_(max_per_address), trusted_(std::move(trusted)) {}

  enum class Entry { admitted, full, address_full };
  // Counts the connection in if there is room. Trusted proxies and unix sockets have no limit per
  // address, and the addresses of an IPv6 /64 have one together.
  Entry enter(const Peer& peer);
  void leave(const Peer& peer);
  bool trusts(const Peer& peer) const;
  std::size_t count() const;

 private:
  bool limited(const Peer& peer) const { return !trusts(peer); }

  const std::size_t max_;
  const std::size_t max_per_address_;
  const std::vector<config::Network> trusted_;
  mutable std::mutex mutex_;
  std::size_t count_ = 0;
  std::map<std::array<std::uint8_t, 16>, std::size_t> by_place_;
};

}  // namespace wxpush::server
