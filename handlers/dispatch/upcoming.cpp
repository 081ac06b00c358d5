#include "handlers/dispatch/upcoming.h"

#include <utility>

namespace wxpush::dispatch {

void Upcoming::keep(queue::StoredEvent&& stored) {
  const auto id = stored.id;
  auto delivery = std::make_shared<sink::Delivery>();
  delivery->stored = std::move(stored);
  bytes_ += delivery->stored.body.size();
  kept_.emplace(id, Kept{std::move(delivery)});
  while (kept_.size() > most_rows || bytes_ > most_bytes) {
    bytes_ -= kept_.begin()->second.delivery->stored.body.size();
    kept_.erase(kept_.begin());
  }
}

void Upcoming::drop(queue::RowId id) {
  const auto place = kept_.find(id);
  if (place == kept_.end()) return;
  bytes_ -= place->second.delivery->stored.body.size();
  kept_.erase(place);
}

std::shared_ptr<sink::Delivery> Upcoming::take(queue::RowId id) {
  const auto place = kept_.find(id);
  if (place == kept_.end()) {  // it was parked in between, or failed
    auto stored = reader_.find(id);
    if (!stored) return nullptr;
    auto delivery = std::make_shared<sink::Delivery>();
    delivery->stored = std::move(*stored);
    complete(*delivery);
    return delivery;
  }
  if (!place->second.ready) make_ready(place);
  auto delivery = std::move(place->second.delivery);
  bytes_ -= delivery->stored.body.size();
  kept_.erase(place);
  return delivery;
}

// This one, and some of those after it.
void Upcoming::make_ready(Place first) {
  const queue::Reader::View view(reader_);
  std::size_t looked_at = 0;
  for (auto place = first; place != kept_.end() && looked_at < stride; ++place, ++looked_at) {
    if (place->second.ready) continue;
    complete(*place->second.delivery);
    place->second.ready = true;
  }
}

void Upcoming::complete(sink::Delivery& delivery) {
  const auto& stored = delivery.stored;
  delivery.message = event::read_message(stored.appid, stored.body);
  const auto& message = delivery.message;
  if (!message.waybill_status || stored.order_key.empty()) return;
  delivery.marks = event::marks_of(history_.before(stored),
                                   {stored.id, message.business_key, *message.waybill_status});
}

}  // namespace wxpush::dispatch
