#pragma once
// The process's log: spdlog behind our Log interface, to stdout, as text or JSON lines.
// A thread writes them (log_lines.h), so that a slow reader of the log never holds up an
// acknowledgement; deliver() goes past it and waits.

#include "config/settings.h"
#include "handlers/base/log.h"

#include <memory>

namespace wxpush::server {

// Lives until the end of main: it flushes when destroyed.
std::unique_ptr<Log> make_logger(const config::Logging& settings);

// The same lines to stdout, at once and without a thread, for a process that has none. One that
// nobody takes is dropped.
std::unique_ptr<Log> make_plain_logger(const config::Logging& settings);

}  // namespace wxpush::server
