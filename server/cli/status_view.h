#pragma once
// The running server's /api/v1/status for people.

#include "handlers/base/clock.h"

#include <iosfwd>
#include <string_view>

namespace wxpush::cli {

// Prints the status object; answers whether it says ready. What is missing in it is left out: the
// server may be of another version. CommandError 69 if it is no JSON object.
bool print_status(std::ostream& out, std::string_view json, WallTime now);

}  // namespace wxpush::cli
