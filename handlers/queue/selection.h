#pragma once
// Which events a handler asks for by its filters: the one place that decides it, for those who
// deliver and for those who prune and show.

#include <string>
#include <string_view>
#include <vector>

namespace wxpush::queue {

// What events that we store ourselves are called: "wxpush.order_silent".
inline constexpr std::string_view own_prefix = "wxpush.";

// `apps`: names; empty: all. `events`: lower-case types, a trailing * allowed; empty: all that
// WeChat pushes. Our own events go only to who names them, by a pattern that begins with
// own_prefix: a back end written for WeChat's events should not meet others unasked.
bool selects(const std::vector<std::string>& apps, const std::vector<std::string>& events,
             std::string_view app, std::string_view type);

}  // namespace wxpush::queue
