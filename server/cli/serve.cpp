#include "server/cli/command.h"
#include "server/cli/settings_source.h"
#include "server/run.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {

void add_serve(CLI::App& parent, Command& chosen) {
  auto config_file = std::make_shared<std::string>();
  CLI::App* command = parent.add_subcommand("serve", "Receive pushes until told to stop");
  add_config(*command, *config_file);
  command->footer(
      "The log goes to stdout. SIGTERM and SIGINT drain: what is in flight is answered and stored\n"
      "first; a second one stops at once. Nothing that was acknowledged is lost either way.\n"
      "Exit codes: 0 after a drain, 74 the store failed, 75 it is in use, 78 settings.\n"
      "Example:\n"
      "  wxpush serve -c /etc/wxpush/wxpush.toml");
  command->callback([config_file, &chosen] {
    chosen.run = [config_file](Streams& io) {
      return server::run(load_settings(*config_file), {}, io.err);
    };
  });
}

}  // namespace wxpush::cli
