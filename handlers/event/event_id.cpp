#include "handlers/event/event_id.h"

#include "crypto/primitives/hash.h"

namespace wxpush::event {

namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

EventId make_event_id(std::string_view appid, std::string_view message) {
  // An appid holds no zero byte, so the separator keeps (appid, message) pairs apart.
  constexpr std::string_view zero_byte("\0", 1);
  return EventId{crypto::sha256({appid, zero_byte, message})};
}

std::string to_string(const EventId& id) {
  return crypto::to_hex(id.bytes);
}

std::optional<EventId> parse_event_id(std::string_view hex) {
  EventId id;
  if (hex.size() != id.bytes.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const int high = digit_value(hex[2 * i]);
    const int low = digit_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return id;
}

}  // namespace wxpush::event
