#include "handlers/event/json.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"
#include "server/cli/admin_client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/cli/status_view.h"
#include "server/cli/time_text.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct StatusOptions {
  std::string config;
  Format format = Format::table;
};

// What there is to say without a server: the store as it lies there.
void print_store(std::ostream& out, const config::Settings& settings, WallTime now) {
  const auto reader = server::open_reader(settings.store);
  const queue::StoreFigures figures = reader->figures();
  print_facts(out, {{"store", settings.store.path.string()},
                    {"  events", std::to_string(figures.events)},
                    {"  newest id", std::to_string(figures.last_id)},
                    {"  quarantined", std::to_string(figures.quarantined)},
                    {"  schema", std::to_string(figures.schema)},
                    {"  incarnation", queue::to_text(figures.incarnation)}});
  Table table(out, {"HANDLER", "PENDING", "OLDEST PENDING", ""});
  for (const queue::HandlerRecord& handler : reader->handlers()) {
    const auto oldest = reader->oldest_pending(handler);
    table.add({handler.name, std::to_string(reader->pending(handler)),
               oldest ? relative(*oldest, now) : "-",
               handler.orphaned ? "no longer configured" : ""});
  }
  out << '\n';
  table.flush();
}

int status(const StatusOptions& options, Streams& io) {
  const config::Settings settings = load_settings(options.config);
  const WallTime now = SystemClock().wall();
  const auto answer = ask_server(settings, "GET", "/api/v1/status", status_timeout);
  if (answer && answer->status != 200) {
    throw CommandError(exit_unavailable, "the server answers " + std::to_string(answer->status));
  }
  if (answer && options.format == Format::table) {
    return print_status(io.out, answer->body, now) ? exit_ok : exit_unavailable;
  }
  if (answer) {
    const auto document = event::JsonDocument::parse(answer->body);
    io.out << answer->body << (answer->body.ends_with('\n') ? "" : "\n");
    return document && document->root()["ready"].boolean().value_or(false) ? exit_ok
                                                                           : exit_unavailable;
  }
  io.err << "no server is running (nobody listens on " << settings.admin_socket().string() << ")\n";
  if (options.format == Format::table) print_store(io.out, settings, now);
  return exit_unavailable;
}

}  // namespace

void add_status(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command =
      parent.add_subcommand("status", "How the server, its store and its handlers are");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->footer(
      "Without a running server: what the store holds. Exit code 0 if the server takes pushes,\n"
      "else 69.\n"
      "Examples:\n"
      "  wxpush status\n"
      "  wxpush status --format json");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return status(*options, io); };
    chosen.reads_store = true;
  });
}

}  // namespace wxpush::cli
