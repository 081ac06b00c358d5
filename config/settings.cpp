#include "config/settings.h"

#include "handlers/base/url.h"

namespace wxpush::config {

std::string to_string(const ListenAddress& address) {
  if (const auto* local = std::get_if<UnixAddress>(&address)) return "unix:" + local->path.string();
  const auto& tcp = std::get<TcpAddress>(address);
  return host_and_port(tcp.host, tcp.port);
}

bool is_built_in(HandlerType type) noexcept {
  if (type == HandlerType::amqp) return WXPUSH_AMQP != 0;
  if (type == HandlerType::redis) return WXPUSH_REDIS != 0;
  if (type == HandlerType::kafka) return WXPUSH_KAFKA != 0;
  return true;
}

bool Network::contains(const std::array<std::uint8_t, 16>& mapped_address) const noexcept {
  for (std::size_t bit = 0; bit < static_cast<std::size_t>(prefix); bit += 8) {
    const auto left = static_cast<unsigned>(prefix) - static_cast<unsigned>(bit);
    const unsigned mask = left >= 8 ? 0xFFU : (0xFF00U >> left) & 0xFFU;
    const std::size_t byte = bit / 8;
    if (((address[byte] ^ mapped_address[byte]) & mask) != 0) return false;
  }
  return true;
}

}  // namespace wxpush::config
