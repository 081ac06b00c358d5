#pragma once
// A time as machines exchange it.

#include "handlers/base/clock.h"

#include <string>

namespace wxpush {

// RFC 3339, UTC, milliseconds: "2026-11-23T18:56:06.123Z".
std::string to_rfc3339(WallTime time);

}  // namespace wxpush
