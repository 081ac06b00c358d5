#pragma once
// The identity of an event over retries, restarts and machines.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::event {

// SHA-256 over appid, a zero byte, and the decrypted message bytes. Same bytes = same event =
// duplicate. WeChat's own advice, FromUserName + CreateTime, loses distinct delivery events:
// FromUserName is fixed for them (docs/protocol.md, "Duplicates").
struct EventId {
  std::array<std::uint8_t, 32> bytes{};
  friend bool operator==(const EventId&, const EventId&) = default;
  friend auto operator<=>(const EventId&, const EventId&) = default;
};

EventId make_event_id(std::string_view appid, std::string_view message);
std::string to_string(const EventId& id);                     // 64 hexadecimal digits
std::optional<EventId> parse_event_id(std::string_view hex);  // all 64 digits

struct EventIdHash {  // the bytes are uniform already
  std::size_t operator()(const EventId& id) const noexcept {
    std::size_t h = 0;
    for (std::size_t i = 0; i < sizeof h; ++i) h = (h << 8) | id.bytes[i];
    return h;
  }
};

}  // namespace wxpush::event
