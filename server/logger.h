#pragma once
// The process's log: spdlog behind our Log interface, to stdout or stderr, as text or JSON lines.
// Writing is handed to a thread through a bounded ring, so that a slow reader of the log never
// holds up an acknowledgement; what the ring cannot take is dropped, oldest first, and counted.
// deliver() goes past the ring and waits.

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
