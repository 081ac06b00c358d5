#include "handlers/sink/public_address.h"

#include <boost/asio/ip/address.hpp>

#include <cstdint>

namespace wxpush::sink {
namespace {

namespace ip = boost::asio::ip;

bool is_public(const ip::address_v4& address) {
  const auto bits = address.to_uint();
  const auto in = [bits](std::uint32_t network, int prefix) {
    return (bits ^ network) >> (32 - prefix) == 0;
  };
  return !(in(0x00000000, 8) || in(0x0A000000, 8) || in(0x64400000, 10) || in(0x7F000000, 8) ||
           in(0xA9FE0000, 16) || in(0xAC100000, 12) || in(0xC0000000, 24) || in(0xC0A80000, 16) ||
           in(0xC6120000, 15) || in(0xE0000000, 4) || in(0xF0000000, 4));
}

}  // namespace

bool is_public_address(const std::string& address) {
  boost::system::error_code error;
  const auto parsed = ip::make_address(address, error);
  if (error) return false;
  if (parsed.is_v4()) return is_public(parsed.to_v4());
  const auto v6 = parsed.to_v6();
  if (v6.is_v4_mapped()) return is_public(ip::make_address_v4(ip::v4_mapped, v6));
  const auto bytes = v6.to_bytes();
  return (bytes[0] & 0xE0U) == 0x20U;  // 2000::/3: what is assigned for global use
}

}  // namespace wxpush::sink
