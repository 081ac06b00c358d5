#include "server/connection_limits.h"

#include <algorithm>

namespace wxpush::server {
namespace {

// IPv4, which comes as ::ffff:a.b.c.d, counts by address. Of IPv6 whoever has one address has the
// 2^64 of its network.
std::array<std::uint8_t, 16> place_of(const Peer& peer) {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  auto place = peer.address;
  if (!std::equal(mapped.begin(), mapped.end(), place.begin()))
    std::fill(place.begin() + 8, place.end(), std::uint8_t{0});
  return place;
}

}  // namespace

bool ConnectionLimits::trusts(const Peer& peer) const {
  return peer.local || std::any_of(trusted_.begin(), trusted_.end(), [&](const auto& network) {
           return network.contains(peer.address);
         });
}

ConnectionLimits::Entry ConnectionLimits::enter(const Peer& peer) {
  const std::lock_guard lock(mutex_);
  if (count_ >= max_) return Entry::full;
  if (limited(peer)) {
    auto& here = by_place_[place_of(peer)];
    if (here >= max_per_address_) return Entry::address_full;
    ++here;
  }
  ++count_;
  return Entry::admitted;
}

void ConnectionLimits::leave(const Peer& peer) {
  const std::lock_guard lock(mutex_);
  --count_;
  if (!limited(peer)) return;
  const auto found = by_place_.find(place_of(peer));
  if (--found->second == 0) by_place_.erase(found);
}

std::size_t ConnectionLimits::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace wxpush::server
