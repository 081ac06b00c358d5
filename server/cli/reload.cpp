#include "handlers/event/json.h"
#include "server/cli/admin_client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct ReloadOptions {
  std::string config;
  Format format = Format::table;
};

void print_lines(std::ostream& out, const event::JsonValue& list, const std::string& suffix) {
  for (const auto& line : list.elements())
    out << printable(line.string().value_or("")) << suffix << '\n';
}

int reload(const ReloadOptions& options, Streams& io) {
  // Broken settings are told here, with all that is wrong with them; the server is not troubled.
  const auto settings = load_settings(options.config);
  const auto answer = ask_server(settings, "POST", "/api/v1/reload", std::chrono::seconds(90));
  if (!answer) {
    io.err << "no server answers at " << printable(settings.admin_socket().string())
           << ": the next start reads the settings (a changed store or admin socket needs one)\n";
    return exit_unavailable;
  }
  const auto document = event::JsonDocument::parse(answer->body);
  if (answer->status != 200 || !document)
    throw CommandError(exit_unavailable, "the server answers " + std::to_string(answer->status));
  const auto root = document->root();
  if (root["errors"].is_array()) {
    std::string text = "the server keeps its old settings";
    for (const auto& line : root["errors"].elements())
      text += "\n" + printable(line.string().value_or(""));
    throw CommandError(exit_configuration, text);
  }
  if (options.format == Format::json) {
    io.out << answer->body << '\n';
    return exit_ok;
  }
  print_lines(io.out, root["changed"], "");
  if (root["changed"].elements().empty()) io.out << "nothing changed\n";
  print_lines(io.err, root["needs_restart"], " changed, too: that needs a restart");
  return exit_ok;
}

}  // namespace

void add_reload(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<ReloadOptions>();
  CLI::App* command =
      parent.add_subcommand("reload", "Let the running server take over changed settings");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->footer(
      "Apps, keys, handlers and certificates change without a restart; what else changed is "
      "named.\n"
      "All or nothing: on an error the old settings stay in force, exit code 78. SIGHUP does the\n"
      "same, and tells the log.\n"
      "Example:\n"
      "  wxpush reload");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return reload(*options, io); }; });
}

}  // namespace wxpush::cli
