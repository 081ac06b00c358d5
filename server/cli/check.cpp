#include "config/load.h"
#include "handlers/base/clock.h"
#include "server/brokers.h"
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
  bool connect = false;
};

// What a broker is seen to do, and what it would lose. False: it cannot be used.
bool try_broker(const config::Handler& handler, Clock& clock, std::ostream& out) {
  out << "handler " << handler.name << ":\n";
  try {
    const auto report = server::check_broker(handler, clock);
    for (const auto& good : report.good) out << "  good     " << good << "\n";
    for (const auto& warning : report.warnings) out << "  WARNING  " << warning << "\n";
    for (const auto& loss : report.losses) out << "  lost if  " << loss << "\n";
    return true;
  } catch (const std::exception& error) {
    out << "  ERROR    " << error.what() << "\n";
    return false;
  }
}

bool try_brokers(const config::Settings& settings, std::ostream& out) {
  SystemClock clock;
  bool all_good = true;
  std::size_t tried = 0;
  for (const auto& handler : settings.handlers) {
    if (!config::is_broker(handler.type)) continue;
    ++tried;
    all_good = try_broker(handler, clock, out) && all_good;
  }
  if (tried == 0) out << "no handler of type amqp, redis or kafka: nothing to connect to\n";
  return all_good;
}

int check(const CheckOptions& options, Streams& io) {
  const config::Settings settings = load_settings(options.config);
  if (options.effective) io.out << config::to_toml(settings);
  io.err << settings.file.string() << ": good, " << settings.apps.size() << " app(s), "
         << settings.handlers.size() << " handler(s)\n";
  if (options.connect && !try_brokers(settings, io.out)) return exit_unavailable;
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
  command->add_flag("--connect", options->connect,
                    "connect to each broker of a handler: may we publish, what is its confirmation "
                    "worth, and what is lost on which failure; a WARNING says what could not be "
                    "tried or seen");
  command->footer(
      "Exit code 0, or 69 if --connect found a broker that cannot be used, or 78 with every "
      "problem on stderr as `file:line: key: what is wrong`.\n"
      "Examples:\n"
      "  wxpush check\n"
      "  wxpush check --connect\n"
      "  WXPUSH__LOG__LEVEL=debug wxpush check --effective -c /etc/wxpush/wxpush.toml");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return check(*options, io); }; });
}

}  // namespace wxpush::cli
