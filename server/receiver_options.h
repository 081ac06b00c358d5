#pragma once
// A callback's name and options, checked as those of a [[handler]] are.

#include "config/settings.h"
#include "handlers/sink/callbacks.h"
#include <wxpush/receiver.h>

#include <string>

namespace wxpush::server {

// All of it but make_sink. `others`: the callbacks registered before. Throws std::invalid_argument,
// which names the handler, the option and what would be right.
sink::CallbackHandler callback_handler(const std::string& name, const Options& options,
                                       const config::Settings& settings,
                                       const sink::Callbacks& others);

}  // namespace wxpush::server
