#pragma once
// Times as people and scripts read them: RFC 3339 with the local offset and milliseconds,
// "2026-11-02T09:30:00.125+08:00".

#include "handlers/base/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::cli {

std::string to_text(WallTime time);

// What --since and --until take: RFC 3339 ("Z" or an offset; without one, local time; seconds and
// their fraction may be missing), a day ("2026-11-02": its local midnight), or a duration back from
// `now` ("2h", "1d"). nullopt if it is none of them.
std::optional<WallTime> parse_time(std::string_view text, WallTime now);

// "4m12s ago", "in 3d4h": two units at most, for tables.
std::string relative(WallTime time, WallTime now);

}  // namespace wxpush::cli
