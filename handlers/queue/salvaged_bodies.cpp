#include "handlers/queue/salvaged_bodies.h"

namespace wxpush::queue {

SalvagedBodies::Judged SalvagedBodies::judge(const FoundEvent& found) {
  const StoredEvent& event = found.event;
  if (found.codec == StoredBody::plain) {
    if (event::make_event_id(event.appid, event.body) != event.event_id) return {};
    return {.proof = Proof::proven, .message = event.body};
  }
  if (auto message = open(found)) return {.proof = Proof::proven, .message = std::move(*message)};
  const bool key_is_known = marks_.contains(found.key_number);
  return {.proof = key_is_known ? Proof::refuted : Proof::sealed, .message = {}};
}

// The table that says which key has which number may be damaged: each is tried, and the tag
// decides.
std::optional<std::string> SalvagedBodies::open(const FoundEvent& found) {
  const StoredEvent& event = found.event;
  for (const BodyKey& key : keys_) {
    const BodyCipher cipher({key}, {{key.mark(), found.key_number}}, nullptr);
    try {
      std::string message =
          cipher.open(event.appid, event.event_id,
                      {.codec = found.codec, .key_number = found.key_number, .bytes = event.body});
      marks_.emplace(found.key_number, key.mark());
      return message;
    } catch (const BodyError&) {  // not this one
    }
  }
  return std::nullopt;
}

}  // namespace wxpush::queue
