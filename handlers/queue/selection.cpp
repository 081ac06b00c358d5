#include "handlers/queue/selection.h"

#include "handlers/event/message.h"

#include <algorithm>

namespace wxpush::queue {

bool selects(const std::vector<std::string>& apps, const std::vector<std::string>& events,
             std::string_view app, std::string_view type) {
  if (!apps.empty() && std::find(apps.begin(), apps.end(), app) == apps.end()) return false;
  const bool is_our_own = type.starts_with(own_prefix);
  if (events.empty()) return !is_our_own;
  return std::any_of(events.begin(), events.end(), [&](const auto& pattern) {
    return (!is_our_own || pattern.starts_with(own_prefix)) && event::matches_type(pattern, type);
  });
}

}  // namespace wxpush::queue
