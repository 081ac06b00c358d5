#pragma once
// From settings to the handlers of brokers, as far as they are built in (config::is_built_in).

#include "config/settings.h"
#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/sink/broker.h"
#include "handlers/sink/sink.h"

#include <memory>
#include <string>

namespace wxpush::server {

// The handler's type is one of a broker. Throws std::runtime_error.
std::unique_ptr<sink::Sink> make_broker_sink(const config::Handler& handler, Clock& clock,
                                             Log& log);
// Connects, and tells what was found. Throws std::runtime_error with what is wrong.
sink::BrokerReport check_broker(const config::Handler& handler, Clock& clock);

}  // namespace wxpush::server
