#pragma once
// Events found by reading pages, not trees: a damaged page then costs what lies on it, not what
// hangs below. Nothing is believed that does not prove itself by its event_id.

#include "handlers/queue/damaged_pages.h"
#include "handlers/queue/event_record.h"

#include <functional>

namespace wxpush::queue {

struct FoundEvent {
  StoredEvent event;
  bool proven = false;      // its event_id is that of its appid and body
  bool on_damaged = false;  // its page's checksum is wrong
};

// Every row of the table event that is on a page in use, in no order.
void scan_events(DamagedPages& pages, const std::set<PageNumber>& free,
                 const std::function<void(const FoundEvent&)>& found);

}  // namespace wxpush::queue
