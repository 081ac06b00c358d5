#pragma once
// Events found by reading pages, not trees: a damaged page then costs what lies on it, not what
// hangs below. Whether it is what was stored, salvaged_bodies.h says.

#include "handlers/queue/damaged_pages.h"
#include "handlers/queue/event_record.h"

#include <functional>

namespace wxpush::queue {

struct FoundEvent {
  StoredEvent event;  // its body as it lies there
  std::int64_t codec = 0;
  std::uint32_t key_number = 0;
  bool on_damaged = false;  // its page's checksum is wrong
};

// Every row of the table event that is on a page in use, in no order.
void scan_events(DamagedPages& pages, const std::set<PageNumber>& free,
                 const std::function<void(const FoundEvent&)>& found);

}  // namespace wxpush::queue
