#include "handlers/base/url.h"
#include "handlers/event/json.h"
#include "handlers/queue/reader.h"
#include "server/cli/admin_client.h"
#include "server/cli/command.h"
#include "server/cli/maintenance.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/cli/time_text.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct HandlerOptions {
  std::string config;
  std::string name;
  Format format = Format::table;
};

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ",") + name;
  return text.empty() ? "all" : text;
}

struct Figures {
  std::uint64_t pending = 0, dead = 0;
  std::optional<WallTime> oldest;
};

void print_json(std::ostream& out, const queue::HandlerRecord& handler, const Figures& figures) {
  event::JsonWriter json;
  json.begin_object().key("name").string(handler.name);
  json.key("state").string(handler.orphaned ? "orphaned" : "registered");
  json.strings("apps", handler.apps);
  json.strings("events", handler.events);
  json.key("cursor").integer(static_cast<std::int64_t>(handler.cursor));
  json.key("pending").integer(static_cast<std::int64_t>(figures.pending));
  json.key("oldest_pending_at");
  figures.oldest ? json.string(to_text(*figures.oldest)) : json.null();
  json.key("dead_letters").integer(static_cast<std::int64_t>(figures.dead)).end_object();
  out << json.take() << '\n';
}

int list(const HandlerOptions& options, Streams& io) {
  const auto reader = server::open_reader(load_settings(options.config).store);
  Table table(io.out, {"NAME", "STATE", "APPS", "EVENTS", "CURSOR", "PENDING", "OLDEST", "DEAD"});
  for (const auto& handler : reader->handlers()) {
    const Figures figures{reader->pending(handler), reader->dead_count(handler.number),
                          reader->oldest_pending(handler)};
    if (options.format == Format::json) {
      print_json(io.out, handler, figures);
      continue;
    }
    table.add({handler.name, handler.orphaned ? "orphaned" : "registered", joined(handler.apps),
               joined(handler.events), std::to_string(handler.cursor),
               std::to_string(figures.pending), figures.oldest ? to_text(*figures.oldest) : "-",
               std::to_string(figures.dead)});
  }
  if (options.format == Format::table) table.flush();
  return exit_ok;
}

bool forget_in_store(const config::Settings& settings, const std::string& name, Streams& io) {
  server::open_reader(settings.store);  // 69 if there is none, rather than making one
  Maintenance maintenance(settings);
  io.err << "no server runs: changing the store itself\n";
  const auto to_the_end = [] { return true; };
  return maintenance.queue().forget_handler(name, to_the_end) == queue::Forgotten::whole;
}

int forget(const HandlerOptions& options, Streams& io) {
  const auto settings = load_settings(options.config);
  if (std::ranges::find(settings.handlers, options.name, &config::Handler::name) !=
      settings.handlers.end()) {
    throw CommandError(exit_configuration, "the settings still have a [[handler]] named " +
                                               options.name +
                                               ": take it out first, or it would "
                                               "begin anew with the next start");
  }
  const auto answer = ask_server(settings, "POST",
                                 "/api/v1/handlers/forget?handler=" + percent_encode(options.name),
                                 std::chrono::seconds(60));
  bool known = false;
  if (answer) {
    const auto document = event::JsonDocument::parse(answer->body);
    if (answer->status != 200 || !document)
      throw CommandError(exit_unavailable, "the server answers " + std::to_string(answer->status));
    if (const auto error = document->root()["error"].string())
      throw CommandError(exit_unusable, options.name + ": " + std::string(*error));
    known = document->root()["forgotten"].boolean().value_or(false);
  } else {
    known = forget_in_store(settings, options.name, io);
  }
  if (!known) throw CommandError(exit_no, "no handler is called " + options.name);
  io.out << "forgotten: " << options.name << ", with all that waited for it\n";
  return exit_ok;
}

}  // namespace

void add_handlers(CLI::App& parent, Command& chosen) {
  CLI::App* command = parent.add_subcommand("handler", "Handlers as the store knows them");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  wxpush handler list\n"
      "  wxpush handler forget old-backend");
  auto options = std::make_shared<HandlerOptions>();
  CLI::App* listing = command->add_subcommand("list", "List them, with what waits for each");
  add_config(*listing, options->config);
  add_format(*listing, options->format);
  listing->footer(
      "An orphaned one is no longer in the settings; its dead letters, or what waits for it, are\n"
      "kept.\n"
      "Example:\n"
      "  wxpush handler list");
  listing->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return list(*options, io); };
    chosen.reads_store = true;
  });
  CLI::App* forgetting =
      command->add_subcommand("forget", "Give up what waits for one, and its dead letters");
  add_config(*forgetting, options->config);
  forgetting->add_option("name", options->name, "the handler")->type_name("NAME")->required();
  forgetting->footer(
      "For a handler that was taken out of the settings: the server refuses to start, or to "
      "reload,\n"
      "while events wait for it. The events themselves stay stored until their retention is over.\n"
      "Example:\n"
      "  wxpush handler forget old-backend");
  forgetting->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return forget(*options, io); }; });
}

}  // namespace wxpush::cli
