#pragma once
// What the queue keeps, as its callers see it.

#include "handlers/base/clock.h"
#include "handlers/event/event_id.h"
#include "handlers/event/message.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::queue {

// Rises for ever, assigned by the writer, never reused. 0 = none.
using RowId = std::uint64_t;

// An event on its way in.
struct NewEvent {
  event::EventId event_id;
  std::string app;  // the app's configured name
  std::string appid;
  std::string type;       // lower-case Event; empty = opaque
  std::string order_key;  // printed form; empty = unordered
  event::ContentKind kind = event::ContentKind::opaque;
  WallTime received_at{};
  std::optional<WallTime> event_time;
  std::string body;  // the decrypted message, byte for byte
  std::uint64_t from_quarantine =
      0;  // the quarantine entry this came out of; removed in the same commit
};

struct StoredEvent : NewEvent {
  RowId id = 0;
};

// A push that could not be opened, kept as it came (design: docs/store.md, "Quarantine").
enum class QuarantineRing : std::uint8_t {
  unopened = 0,
  unsigned_push = 1
};  // stored: never renumber
struct QuarantinedPush {
  std::uint64_t id = 0;  // assigned by the writer
  QuarantineRing ring = QuarantineRing::unopened;
  std::string app;
  WallTime received_at{};
  std::string timestamp, nonce, msg_signature;
  std::string encrypt;  // base64, as msg_signature covers it

  // All that the peer may choose, for bounds.
  std::size_t bytes() const noexcept {
    return timestamp.size() + nonce.size() + msg_signature.size() + encrypt.size();
  }
};

// A known push that came again.
struct Repeat {
  std::uint64_t sequence = 0;  // rises
  RowId id = 0;
  event::EventId event_id;
  std::uint32_t seen = 0;  // how often this event was pushed, the first time included
  WallTime at{};
};

// A handler as the store knows it.
struct HandlerRecord {
  std::uint32_t number = 0;
  std::string name;
  std::vector<std::string> apps;  // its filters, for those who read the store
  std::vector<std::string> events;
  RowId first = 0;        // it asks for events with an id above this
  RowId cursor = 0;       // everything up to and including this is settled
  bool orphaned = false;  // no longer registered at the last start
};

}  // namespace wxpush::queue
