// X-Forwarded-For: a stranger writes it, and what is made of it goes into the log.
#include "config/load.h"
#include "server/forwarded_client.h"
#include "tests/fuzz/target.h"

#include <string>
#include <vector>

using namespace wxpush;

namespace {

server::Peer peer_at(const std::string& text) {
  server::Peer peer;
  peer.text = text;
  peer.address = config::parse_network(text)->address;
  return peer;
}

bool is_address(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz:.%") == text.npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string header(fuzz::text_of(data, size));
  static const server::ConnectionLimits limits(
      1, 1, {*config::parse_network("10.0.0.0/8"), *config::parse_network("fd00::/8")});
  static const server::Peer proxy = peer_at("10.0.0.1");
  static const server::Peer stranger = peer_at("192.0.2.1");

  fuzz::require(forwarded_client(limits, stranger, header) == stranger.text);
  const auto client = forwarded_client(limits, proxy, header);
  fuzz::require(is_address(client));
  // Whoever is before a stranger's address may say what he likes: it changes nothing.
  fuzz::require(forwarded_client(limits, proxy, header + ",192.0.2.7") == "192.0.2.7");
  fuzz::require(forwarded_client(limits, proxy, header + ", 10.1.1.1 ,\tfd00::1") ==
                forwarded_client(limits, peer_at("10.1.1.1"), header));
  fuzz::require(forwarded_client(limits, proxy, header + ",no address") == proxy.text);
  return 0;
}
