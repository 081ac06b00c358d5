#include "config/load.h"
#include "server/cli/command.h"
#include "server/cli/settings_source.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct CheckOptions {
  std::string config;
  bool effective = false;
};

int check(const CheckOptions& options, Streams& io) {
  const config::Settings settings = load_settings(options.config);
  if (options.effective) io.out << config::to_toml(settings);
  io.err << settings.file.string() << ": good, " << settings.apps.size() << " app(s), "
         << settings.handlers.size() << " handler(s)\n";
  return exit_ok;
}

}  // namespace

void add_check(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = parent.add_subcommand("check", "Check the settings");
  add_config(*command, options->config);
  command->add_flag(
      "--effective", options->effective,
      "print the settings in force, defaults and environment included, secrets as ***");
  command->footer(
      "Exit code 0, or 78 with every problem on stderr as `file:line: key: what is wrong`.\n"
      "Examples:\n"
      "  wxpush check\n"
      "  WXPUSH__LOG__LEVEL=debug wxpush check --effective -c /etc/wxpush/wxpush.toml");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return check(*options, io); }; });
}

}  // namespace wxpush::cli
