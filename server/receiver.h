#pragma once
// wxpush inside your own program: load the settings, register callbacks, run. See examples/.

#include "config/settings.h"
#include "handlers/sink/callbacks.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace wxpush {

using event::WaybillStatus;
using sink::Delivery;
using sink::EventCallback;
using sink::WaybillStatusCallback;

class Receiver {
 public:
  // Loads and checks the settings. Throws std::runtime_error with every problem, one a line.
  explicit Receiver(const std::filesystem::path& settings_file);
  ~Receiver();

  // Each callback is fed from the durable queue after the commit: at least once, in order, resuming
  // after a restart where it stopped. It may block; it throws to be called again later.
  Receiver& on_event(std::string name, EventCallback callback,
                     std::vector<std::string> events = {});
  Receiver& on_waybill_status(std::string name, WaybillStatusCallback callback);

  // Serves until SIGTERM or SIGINT, then drains; a second signal stops at once. Answers the exit
  // code for main: 0, or as in docs/cli.md.
  int run();

 private:
  config::Settings settings_;
  sink::Callbacks callbacks_;
};

}  // namespace wxpush
