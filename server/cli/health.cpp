#include "server/cli/admin_client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

int health(const std::string& config_file, Streams& io) {
  const auto answer =
      ask_server(load_settings(config_file), "GET", "/readyz", std::chrono::seconds(2));
  if (!answer) {
    io.err << "no server is running\n";
    return exit_unavailable;
  }
  std::string line = answer->body.substr(0, answer->body.find('\n'));
  if (line.empty()) line = answer->status == 200 ? "ready" : "not ready";
  io.out << printable(line) << '\n';
  return answer->status == 200 ? exit_ok : exit_unavailable;
}

}  // namespace

void add_health(CLI::App& parent, Command& chosen) {
  auto config_file = std::make_shared<std::string>();
  CLI::App* command = parent.add_subcommand("health", "One line: whether the server takes pushes");
  add_config(*command, *config_file);
  command->footer(
      "Exit code 0, or 69: not ready, not running, or no answer within 2 seconds. Made for\n"
      "HEALTHCHECK and the like.\n"
      "Example:\n"
      "  wxpush health -c /etc/wxpush/wxpush.toml");
  command->callback([config_file, &chosen] {
    chosen.run = [config_file](Streams& io) { return health(*config_file, io); };
  });
}

}  // namespace wxpush::cli
