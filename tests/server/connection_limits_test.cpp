#include "server/connection_limits.h"

#include "config/load.h"
#include "server/forwarded_client.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::server;

namespace {

using Entry = ConnectionLimits::Entry;

Peer peer(std::uint8_t last) {
  Peer made;
  made.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last};
  made.text = "10.0.0." + std::to_string(last);
  return made;
}

}  // namespace

TEST_CASE("connections are bounded in all and per address, and leave as they came") {
  ConnectionLimits limits(3, 2, {});
  CHECK(limits.enter(peer(1)) == Entry::admitted);
  CHECK(limits.enter(peer(1)) == Entry::admitted);
  CHECK(limits.enter(peer(1)) == Entry::address_full);
  CHECK(limits.enter(peer(2)) == Entry::admitted);
  CHECK(limits.enter(peer(3)) == Entry::full);
  limits.leave(peer(1));
  CHECK(limits.enter(peer(3)) == Entry::admitted);
  CHECK(limits.count() == 3);
}

TEST_CASE("the addresses of an IPv6 /64 have one bound together") {
  ConnectionLimits limits(10, 1, {});
  Peer peer;
  peer.address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
  CHECK(limits.enter(peer) == Entry::admitted);
  auto neighbour = peer;
  neighbour.address[8] = 7;
  CHECK(limits.enter(neighbour) == Entry::address_full);
  auto other = peer;
  other.address[7] = 2;
  CHECK(limits.enter(other) == Entry::admitted);
  limits.leave(peer);
  CHECK(limits.enter(neighbour) == Entry::admitted);
}

TEST_CASE("a trusted proxy and a unix socket have no bound of their own") {
  ConnectionLimits limits(10, 1, {*config::parse_network("10.0.0.1/32")});
  Peer local;
  local.local = true;
  for (int i = 0; i < 3; ++i) {
    CHECK(limits.enter(peer(1)) == Entry::admitted);
    CHECK(limits.enter(local) == Entry::admitted);
  }
  CHECK(limits.enter(peer(2)) == Entry::admitted);
  CHECK(limits.enter(peer(2)) == Entry::address_full);
}

TEST_CASE("X-Forwarded-For is believed from the right, as far as trust goes") {
  const ConnectionLimits limits(10, 1, {*config::parse_network("10.0.0.0/24")});
  CHECK(forwarded_client(limits, peer(1), "1.2.3.4") == "1.2.3.4");
  CHECK(forwarded_client(limits, peer(1), "6.6.6.6, 1.2.3.4, 10.0.0.9") == "1.2.3.4");
  CHECK(forwarded_client(limits, peer(1), "10.0.0.8, 10.0.0.9") == "10.0.0.8");
  CHECK(forwarded_client(limits, peer(1), "2001:db8::1") == "2001:db8::1");
  CHECK(forwarded_client(limits, peer(1), "evil\", \"x\":\"") == "10.0.0.1");
  Peer stranger = peer(1);
  stranger.address[12] = 99;
  stranger.text = "99.0.0.1";
  CHECK(forwarded_client(limits, stranger, "1.2.3.4") == "99.0.0.1");
}
