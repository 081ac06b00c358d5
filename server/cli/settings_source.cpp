#include "server/cli/settings_source.h"

#include "config/load.h"
#include "server/cli/command.h"

#include <CLI/CLI.hpp>

namespace wxpush::cli {

void add_config(CLI::App& command, std::string& file) {
  command
      .add_option("-c,--config", file,
                  "the settings (without it: wxpush.toml, then /etc/wxpush/wxpush.toml)")
      ->type_name("FILE");
}

void add_app(CLI::App& command, std::string& name) {
  command.add_option("--app", name, "the app (may be left out where there is only one)")
      ->type_name("NAME");
}

config::Settings load_settings(const std::string& file) {
  std::filesystem::path path = file;
  if (file.empty()) {
    const auto found = config::default_file();
    if (!found) {
      throw CommandError(exit_configuration,
                         "no settings: neither wxpush.toml nor /etc/wxpush/wxpush.toml is there; "
                         "name a file with -c, or write one with `wxpush init`");
    }
    path = *found;
  }
  auto loaded = config::load(path, config::process_environment());
  if (auto* settings = std::get_if<config::Settings>(&loaded)) return std::move(*settings);
  const auto& problems = std::get<std::vector<config::Problem>>(loaded);
  std::string text = std::to_string(problems.size()) +
                     (problems.size() == 1 ? " problem" : " problems") + " in the settings";
  for (const auto& problem : problems) text += '\n' + config::to_string(problem);
  throw CommandError(exit_configuration, text);
}

const config::App& select_app(const config::Settings& settings, const std::string& name) {
  if (name.empty() && settings.apps.size() == 1) return settings.apps.front();
  std::string names;
  for (const config::App& app : settings.apps) {
    if (app.name == name) return app;
    names += (names.empty() ? "" : ", ") + app.name;
  }
  if (names.empty()) throw CommandError(exit_configuration, "the settings name no app");
  throw CommandError(exit_usage, name.empty() ? "which app? give --app with one of: " + names
                                              : "no app " + name + "; there is: " + names);
}

}  // namespace wxpush::cli
