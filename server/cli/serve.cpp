#include "server/cli/command.h"
#include "server/cli/settings_source.h"
#include "server/run.h"
#include "server/supervisor.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>
#include <utility>

namespace wxpush::cli {
namespace {

struct ServeOptions {
  std::string config;
  bool supervise = false;
};

int serve(const ServeOptions& options, Streams& io) {
  auto settings = load_settings(options.config);
  if (!options.supervise) return server::serve(std::move(settings), io.err);
  const server::SupervisorSettings needed{settings.server.listen,
                                          settings.log,
                                          settings.server.drain,
                                          {"serve", "-c", settings.file.string()}};
  settings = {};  // the keys are the workers' business
  return server::supervise(needed, io.err);
}

}  // namespace

void add_serve(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = parent.add_subcommand("serve", "Receive pushes until told to stop");
  add_config(*command, options->config);
  command->add_flag("--supervise", options->supervise,
                    "a small parent holds the listening sockets and restarts the worker");
  command->footer(
      "The log goes to stdout. SIGTERM and SIGINT drain: what is in flight is answered and stored\n"
      "first; a second one stops at once. Nothing that was acknowledged is lost either way.\n"
      "SIGHUP reloads. With --supervise a worker that dies is started again, and SIGUSR2 to the\n"
      "parent puts the program now on the disk in the worker's place; pushes wait meanwhile, none\n"
      "is refused. Sockets that systemd hands over are used in place of server.listen.\n"
      "Exit codes: 0 after a drain, 74 the store failed, 75 it is in use, 78 settings.\n"
      "Examples:\n"
      "  wxpush serve -c /etc/wxpush/wxpush.toml\n"
      "  wxpush serve --supervise\n"
      "  kill -USR2 PID    (of the parent, after an upgrade)");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return serve(*options, io); }; });
}

}  // namespace wxpush::cli
