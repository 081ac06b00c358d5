#pragma once
// The whole life of a serving process: signals, start, wait, exit code.

#include "config/settings.h"
#include "handlers/sink/callbacks.h"

#include <functional>
#include <iosfwd>

namespace wxpush::server {

class Service;

// Serves until SIGTERM or SIGINT, which drain; a second one stops at once. What keeps it from
// starting is told on `err`. Answers the process's exit code. If a callback or the disk does not
// let go in time, the process is ended with what was acknowledged safe on the disk. `with` is given
// the service before it starts, and null before it goes: others may stop it in between.
int run(
    config::Settings settings, const sink::Callbacks& callbacks, std::ostream& err,
    const std::function<void(Service*)>& with = [](Service*) {});

}  // namespace wxpush::server
