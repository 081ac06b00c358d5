// Addresses and networks. Only numeric ones: nothing here asks a name server.
#include "config/load.h"
#include "config/values.h"

#include <arpa/inet.h>
#include <charconv>

namespace wxpush::config {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

constexpr int mapped_bits = 96;  // what ::ffff:0:0 puts before an IPv4 address

// The address, IPv4 as IPv4-mapped IPv6; family is AF_INET or AF_INET6 as it was written.
std::optional<Bytes> parse_address(const std::string& text, int& family) {
  Bytes bytes{};
  family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (family == AF_INET6) {
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return std::nullopt;
    return bytes;
  }
  bytes[10] = bytes[11] = 0xFF;
  if (inet_pton(AF_INET, text.c_str(), &bytes[12]) != 1) return std::nullopt;
  return bytes;
}

std::string format_address(const Bytes& bytes, int family) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* from = family == AF_INET ? &bytes[12] : bytes.data();
  inet_ntop(family, from, text.data(), text.size());
  return text.data();
}

std::optional<int> parse_small(std::string_view digits, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_padded = digits.size() > 1 && digits.front() == '0';
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 0 || value > most ||
      is_padded) {
    return std::nullopt;
  }
  return value;
}

void clear_below(Bytes& bytes, int prefix) {
  for (int bit = prefix; bit < 128; ++bit) {
    const auto mask = static_cast<std::uint8_t>(~(0x80U >> static_cast<unsigned>(bit % 8)));
    bytes[static_cast<std::size_t>(bit / 8)] &= mask;
  }
}

}  // namespace

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  int family = AF_INET;
  const auto address = parse_address(std::string(text.substr(0, slash)), family);
  if (!address) return std::nullopt;
  const int widest = family == AF_INET ? 32 : 128;
  int written_prefix = widest;
  if (slash != std::string_view::npos) {
    const auto prefix = parse_small(text.substr(slash + 1), widest);
    if (!prefix) return std::nullopt;
    written_prefix = *prefix;
  }
  Network network;
  network.address = *address;
  network.prefix = family == AF_INET ? mapped_bits + written_prefix : written_prefix;
  clear_below(network.address, network.prefix);
  network.text = format_address(network.address, family) + "/" + std::to_string(written_prefix);
  return network;
}

std::optional<ListenAddress> parse_listen(std::string_view text,
                                          const std::filesystem::path& base) {
  constexpr std::string_view local = "unix:";
  if (text.starts_with(local)) {
    text.remove_prefix(local.size());
    if (text.empty() || text.find('\0') != std::string_view::npos) return std::nullopt;
    return UnixAddress{(base / text).lexically_normal()};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_small(text.substr(colon + 1), 65535);
  auto host = text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  int family = AF_INET;
  const auto address = parse_address(std::string(host), family);
  if (!port || !address || in_brackets != (family == AF_INET6)) return std::nullopt;
  return TcpAddress{format_address(*address, family), static_cast<std::uint16_t>(*port)};
}

}  // namespace wxpush::config
