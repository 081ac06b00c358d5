#include "server/connection_limits.h"

#include <algorithm>

namespace wxpush::server {

bool ConnectionLimits::trusts(const Peer& peer) const {
  return peer.local || std::any_of(trusted_.begin(), trusted_.end(), [&](const auto& network) {
           return network.contains(peer.address);
         });
}

ConnectionLimits::Entry ConnectionLimits::enter(const Peer& peer) {
  const std::lock_guard lock(mutex_);
  if (count_ >= max_) return Entry::full;
  if (limited(peer)) {
    auto& here = by_address_[peer.address];
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
  const auto found = by_address_.find(peer.address);
  if (--found->second == 0) by_address_.erase(found);
}

std::size_t ConnectionLimits::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

}  // namespace wxpush::server
