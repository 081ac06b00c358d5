#pragma once
// Events that were read and are mostly offered soon, and the deliveries made of them. Their marks
// are looked up in strides, since many looks into the store cost less in one view. Bounded; what
// found no room is read again when its turn comes. One thread's own.

#include "handlers/dispatch/order_history.h"
#include "handlers/queue/reader.h"
#include "handlers/sink/callbacks.h"

#include <cstddef>
#include <map>
#include <memory>

namespace wxpush::dispatch {

class Upcoming {
 public:
  static constexpr std::size_t most_rows = 2048;
  static constexpr std::size_t most_bytes = std::size_t{8} << 20;  // of bodies
  static constexpr std::size_t stride = 128;

  // `reader` outlives it.
  explicit Upcoming(queue::Reader& reader) : reader_(reader), history_(reader) {}

  void keep(queue::StoredEvent&& stored);
  // With its message and marks; null: it is no longer stored. Reads the store, and throws what that
  // throws; then nothing is lost.
  std::shared_ptr<sink::Delivery> take(queue::RowId id);
  void drop(queue::RowId id);  // it is read again, if it is asked for

 private:
  struct Kept {
    std::shared_ptr<sink::Delivery> delivery;
    bool ready = false;
  };
  using Place = std::map<queue::RowId, Kept>::iterator;
  void make_ready(Place first);
  void complete(sink::Delivery& delivery);

  queue::Reader& reader_;
  OrderHistory history_;
  std::map<queue::RowId, Kept> kept_;
  std::size_t bytes_ = 0;
};

}  // namespace wxpush::dispatch
