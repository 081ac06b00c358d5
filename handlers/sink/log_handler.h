#pragma once
// The handler that says what arrived, and to which order; never names, phones, free text or the
// body.

#include "handlers/base/log.h"
#include "handlers/sink/callbacks.h"

namespace wxpush::sink {

// Done means written out, so that a crash repeats a line rather than losing one. `log` outlives it.
EventCallback make_log_handler(std::string name, Log& log);

}  // namespace wxpush::sink
