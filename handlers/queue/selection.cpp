#include "handlers/queue/selection.h"

#include "handlers/event/message.h"

#include <algorithm>

namespace wxpush::queue {

bool selects(const std::vector<std::string>& apps, const std::vector<std::string>& events,
             std::string_view app, std::string_view type) {
  if (!apps.empty() && std::find(apps.begin(), apps.end(), app) == apps.end()) return false;
  return events.empty() || std::any_of(events.begin(), events.end(), [&](const auto& pattern) {
           return event::matches_type(pattern, type);
         });
}

}  // namespace wxpush::queue
