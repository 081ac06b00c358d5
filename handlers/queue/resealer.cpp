#include "handlers/queue/resealer.h"

namespace wxpush::queue {
namespace {

constexpr std::size_t slice_rows = 1000;  // looked at
constexpr std::size_t slice_bytes = 256U << 10;

}  // namespace

Resealer::Resealer(Meta& meta, EventTable& events, BodyKeyTable& keys, const BodyCipher& bodies,
                   Log& log)
    : meta_(meta),
      events_(events),
      keys_(keys),
      log_(log),
      key_(bodies.sealing_key()),
      active_(key_ != 0 && meta.get(meta_key::resealed_with, 0) != key_) {}

void Resealer::look() {
  if (!active_ || ready_) return;
  slice_ = events_.sealed_otherwise(after_, slice_rows, slice_bytes);
  for (const auto& [id, why] : slice_.damaged) {
    log_.error("an event cannot be sealed with the new key", {{"id", id}, {"error", why}});
  }
  damaged_ += slice_.damaged.size();
  ready_ = !slice_.found.empty() || slice_.end;
  if (!ready_) after_ = slice_.looked_through;
}

void Resealer::write(std::int64_t now) {
  for (const EventTable::Body& body : slice_.found) events_.seal_anew(body);
  // A damaged body keeps its key needed, and this start's work is done all the same.
  if (!slice_.end || damaged_ != 0) return;
  keys_.retire_others(key_, now);
  meta_.set(meta_key::resealed_with, key_);
}

void Resealer::committed() {
  sealed_ += slice_.found.size();
  after_ = slice_.looked_through;
  ready_ = false;
  if (!slice_.end) return;
  active_ = false;
  slice_ = {};
  log_.info(damaged_ == 0 ? "all bodies are sealed with the key; older ones are no longer needed"
                          : "bodies are sealed with the key, but for damaged ones",
            {{"sealed_anew", sealed_}, {"damaged", damaged_}});
}

}  // namespace wxpush::queue
