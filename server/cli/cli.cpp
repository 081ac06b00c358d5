#include "server/cli/cli.h"

#include "handlers/queue/queue.h"
#include "server/cli/apart.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <unistd.h>

namespace wxpush::cli {
namespace {

constexpr const char* footer =
    "Examples:\n"
    "  wxpush init --appid wx0123456789abcdef --url https://push.example.com\n"
    "  wxpush serve -c wxpush.toml\n"
    "  wxpush trigger update_waybill_status --set order_status=302\n"
    "  wxpush events tail\n"
    "\n"
    "wxpush COMMAND --help explains each. Data goes to stdout, notices to stderr.\n"
    "Exit codes: 0; 1 asked and answered no; 64 usage; 65 unusable input; 69 unavailable;\n"
    "74 store failed; 75 store locked; 77 no permission; 78 configuration.";

std::unique_ptr<CLI::App> make_parser(Command& chosen) {
  auto parser = std::make_unique<CLI::App>(
      "Receives the event pushes of WeChat mini programs and does not lose them.", "wxpush");
  parser->set_version_flag("--version", std::string("wxpush ") + WXPUSH_VERSION);
  parser->require_subcommand(1);
  parser->footer(footer);
  for (const auto add :
       {add_init,         add_serve,    add_check,      add_reload, add_status, add_health,
        add_keygen,       add_keys,     add_trigger,    add_bench,  add_events, add_orders,
        add_dead_letters, add_handlers, add_quarantine, add_store,  add_verify, add_decrypt,
        add_encrypt,      add_sign,     add_completion}) {
    add(*parser, chosen);
  }
  return parser;
}

// CLI11 calls a command that it does not know a command that is missing.
void tell(const CLI::App& parser, const CLI::ParseError& misuse, Streams& streams) {
  const auto unknown = parser.remaining(true);
  if (unknown.empty() ||
      misuse.get_exit_code() != static_cast<int>(CLI::ExitCodes::RequiredError)) {
    parser.exit(misuse, streams.out, streams.err);
    return;
  }
  streams.err << "wxpush: not known: " << unknown.front()
              << "\nRun with --help for more information.\n";
}

// Fills `chosen`, or answers the exit code of a command line that ends here: help, version, misuse.
std::optional<int> parse(std::vector<std::string> arguments, Command& chosen, Streams& streams) {
  const auto parser = make_parser(chosen);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    parser->parse(std::move(arguments));
  } catch (const CLI::Success& help_or_version) {
    return parser->exit(help_or_version, streams.out, streams.err);
  } catch (const CLI::ParseError& misuse) {
    tell(*parser, misuse, streams);
    return exit_usage;
  }
  return std::nullopt;
}

int run_here(const Command& command, Streams& streams) {
  try {
    const int code = command.run(streams);
    streams.out.flush();
    if (streams.out) return code;
    streams.err << "wxpush: stdout cannot be written\n";
    return code == exit_ok ? exit_no : code;
  } catch (const CommandError& error) {
    streams.err << "wxpush: " << error.what() << '\n';
    return error.code();
  } catch (const queue::StoreError& error) {
    streams.err << "wxpush: " << error.what() << '\n';
    return error.exit_code();
  } catch (const std::exception& error) {
    streams.err << "wxpush: " << error.what() << '\n';
    return exit_no;
  }
}

}  // namespace

int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err,
        std::istream& in) {
  Streams streams{in, out, err};
  Command chosen;
  if (const auto code = parse(std::move(arguments), chosen, streams)) return *code;
  return run_here(chosen, streams);
}

int run(int argc, char** argv) {
  Streams streams{std::cin, std::cout, std::cerr, isatty(STDIN_FILENO) == 1};
  Command chosen;
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (const auto code = parse(std::move(arguments), chosen, streams)) return *code;
  if (!chosen.reads_store) return run_here(chosen, streams);
  return run_apart([&] { return run_here(chosen, streams); }, chosen.when_interrupted);
}

}  // namespace wxpush::cli
