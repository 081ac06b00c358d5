#include "server/forwarded_client.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <optional>

namespace wxpush::server {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<Peer> parse_peer(std::string_view text) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  const auto v6 = address.is_v4() ? boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped,
                                                                     address.to_v4())
                                  : address.to_v6();
  Peer peer;
  peer.text = address.to_string();
  const auto bytes = v6.to_bytes();
  std::copy(bytes.begin(), bytes.end(), peer.address.begin());
  return peer;
}

}  // namespace

std::string forwarded_client(const ConnectionLimits& limits, const Peer& peer,
                             std::string_view forwarded_for) {
  if (!limits.trusts(peer)) return peer.text;
  std::string client = peer.text;
  while (!forwarded_for.empty()) {
    const auto comma = forwarded_for.rfind(',');
    const auto last =
        trim(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
    forwarded_for =
        comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
    const auto hop = parse_peer(last);
    if (!hop) break;
    client = hop->text;
    if (!limits.trusts(*hop)) break;
  }
  return client;
}

}  // namespace wxpush::server
