#pragma once
// Short hashes that lie on the disk: never change them. Both only narrow a search; whole values are
// compared before anything counts as found.

#include "handlers/event/event_id.h"

#include <cstdint>
#include <string_view>

namespace wxpush::queue {

// SQLite's integers are signed; the order within a table is theirs.
using ShortHash = std::int64_t;

// The first 8 bytes of the event id, big-endian: a prefix of the printed id is a range of these.
inline ShortHash short_hash(const event::EventId& id) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = (value << 8) | id.bytes[i];
  return static_cast<ShortHash>(value);
}

// 64-bit FNV-1a with a final mix. 0 stands for "no order" and for nothing else.
inline ShortHash order_hash(std::string_view order_key) noexcept {
  if (order_key.empty()) return 0;
  std::uint64_t value = 0xcbf29ce484222325ULL;
  for (const char c : order_key) {
    value ^= static_cast<unsigned char>(c);
    value *= 0x100000001b3ULL;
  }
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  return value == 0 ? 1 : static_cast<ShortHash>(value);
}

// The lane of an event: its order's number, or, without an order, its own.
inline ShortHash lane_of(const event::EventId& id, std::string_view order_key) noexcept {
  return order_key.empty() ? short_hash(id) : order_hash(order_key);
}

}  // namespace wxpush::queue
