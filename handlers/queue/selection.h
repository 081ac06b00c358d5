#pragma once
// Which events a handler asks for by its filters: the one place that decides it, for those who
// deliver and for those who prune and show.

#include <string>
#include <string_view>
#include <vector>

namespace wxpush::queue {

// `apps`: names; `events`: lower-case types, a trailing * allowed. Empty: all.
bool selects(const std::vector<std::string>& apps, const std::vector<std::string>& events,
             std::string_view app, std::string_view type);

}  // namespace wxpush::queue
