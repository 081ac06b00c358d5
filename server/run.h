#pragma once
// The whole life of a serving process: signals, start, wait, exit code.

#include "config/settings.h"
#include "handlers/sink/callbacks.h"
#include "server/handed_sockets.h"

#include <functional>
#include <iosfwd>

namespace wxpush::server {

class Service;

// Serves until SIGTERM or SIGINT, which drain; a second one stops at once. What keeps it from
// starting is told on `err`. Answers the process's exit code. If a callback or the disk does not
// let go in time, the process is ended with what was acknowledged safe on the disk. `with` is given
// the service before it starts, and null before it goes: others may stop it in between.
// What was handed over to the process (handed_sockets.h) changes three things: it listens there, it
// waits for the store if another process has it still, and it makes way (Service::hand_over) when
// the supervisor says so; without one, as under systemd, at the first SIGTERM.
int run(
    config::Settings settings, const sink::Callbacks& callbacks, std::ostream& err,
    const std::function<void(Service*)>& with = [](Service*) {}, Handed handed = {});

// run() for the program of that name: with what was handed over to it.
int serve(config::Settings settings, std::ostream& err);

}  // namespace wxpush::server
