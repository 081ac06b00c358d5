#pragma once
// Where a command's settings come from, and the app that it is about.

#include "config/settings.h"

#include <string>

namespace CLI {
class App;
}

namespace wxpush::cli {

// Adds `-c, --config FILE`. Empty means: wxpush.toml, then /etc/wxpush/wxpush.toml.
void add_config(CLI::App& command, std::string& file);
// Adds `--app NAME`, for commands about one app.
void add_app(CLI::App& command, std::string& name);

// Loads and checks. CommandError 78 that holds every problem, a line each.
config::Settings load_settings(const std::string& file);

// The app of this name; if it is empty, the only one there is. CommandError 64 that names the
// choice.
const config::App& select_app(const config::Settings& settings, const std::string& name);

}  // namespace wxpush::cli
