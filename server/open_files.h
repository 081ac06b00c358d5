#pragma once
// The process's limit on open files, which bounds connections before max_connections does.

#include "handlers/base/log.h"

#include <cstddef>

namespace wxpush::server {

// Raises the soft limit as far as `connections` need it, and warns if the hard limit does not let
// it. For programs that own their process.
void raise_open_files(std::size_t connections, Log& log);

// Throws StartError 69 where so many more cannot be opened now. A program that meets the limit in
// the middle of its start would end with whatever failed first, and a reason that misleads.
void require_open_files(std::size_t count);

}  // namespace wxpush::server
