#pragma once
// How far long work is, for people who wait: a line on stderr every two seconds.

#include "handlers/queue/store_check.h"

#include <iosfwd>

namespace wxpush::cli {

queue::Progress tell_progress(std::ostream& err);

}  // namespace wxpush::cli
