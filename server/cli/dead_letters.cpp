#include "handlers/event/json.h"
#include "handlers/queue/reader.h"
#include "server/cli/admin_client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/cli/time_text.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct DeadLetterOptions {
  std::string config;
  std::string handler;
  std::vector<queue::RowId> ids;
  bool all = false;
  bool yes = false;
  Format format = Format::table;
};

void print_json(std::ostream& out, const std::string& handler, const queue::DeadLetter& letter,
                const queue::StoredEvent& event) {
  event::JsonWriter json;
  json.begin_object().key("handler").string(handler);
  json.key("id").integer(static_cast<std::int64_t>(letter.id));
  json.key("event_id").string(event::to_string(event.event_id));
  json.key("app").string(event.app).key("type").string(event.type);
  json.key("order_key").string(event.order_key);
  json.key("attempts").integer(letter.attempts).key("error").string(letter.error);
  json.key("died_at").string(to_text(letter.died_at)).end_object();
  out << json.take() << '\n';
}

// A page at a time, and nothing is held in between.
void list_of(const queue::HandlerRecord& handler, queue::Reader& reader, Format format,
             std::ostream& out, Table& table) {
  queue::RowId after = 0;
  for (auto page = reader.dead_letters(handler.number, after); !page.empty();
       page = reader.dead_letters(handler.number, after)) {
    for (const queue::DeadLetter& letter : page) {
      after = letter.id;
      const auto event = reader.find(letter.id);
      if (!event) continue;
      if (format == Format::json) {
        print_json(out, handler.name, letter, *event);
      } else {
        table.add({handler.name, std::to_string(letter.id), to_text(letter.died_at),
                   std::to_string(letter.attempts), event->type, event->order_key, letter.error});
      }
    }
    if (format == Format::table) table.flush();
    out.flush();
  }
}

int list(const DeadLetterOptions& options, Streams& io) {
  const auto reader = queue::Reader::open(load_settings(options.config).store.path);
  Table table(io.out, {"HANDLER", "ID", "DIED", "ATTEMPTS", "TYPE", "ORDER", "ERROR"});
  bool found = options.handler.empty();
  for (const auto& handler : reader->handlers()) {
    if (!options.handler.empty() && handler.name != options.handler) continue;
    found = true;
    list_of(handler, *reader, options.format, io.out, table);
  }
  if (!found) throw CommandError(exit_unusable, "no handler is called " + options.handler);
  return exit_ok;
}

int act(const std::string& action, const DeadLetterOptions& options, Streams& io) {
  if (options.all == !options.ids.empty())
    throw CommandError(exit_usage, "say which: --id (from dlq list), or --all");
  std::string path =
      "/api/v1/dead-letters/" + action + "?handler=" + percent_encode(options.handler);
  for (std::size_t i = 0; i < options.ids.size(); ++i)
    path += (i == 0 ? "&ids=" : ",") + std::to_string(options.ids[i]);
  const auto answer =
      ask_server(load_settings(options.config), "POST", path, std::chrono::seconds(60));
  if (!answer) {
    io.err << "no server is running: start it first, the dead letters are kept\n";
    return exit_unavailable;
  }
  const auto document = event::JsonDocument::parse(answer->body);
  if (answer->status != 200 || !document)
    throw CommandError(exit_unavailable, "the server answers " + std::to_string(answer->status));
  if (const auto error = document->root()["error"].string())
    throw CommandError(exit_unusable, options.handler + ": " + std::string(*error));
  const auto events = document->root()["events"].integer().value_or(0);
  if (options.format == Format::json) {
    io.out << answer->body << '\n';
  } else {
    io.out << events << (action == "requeue" ? " offered again\n" : " discarded\n");
  }
  return events > 0 ? exit_ok : exit_no;
}

void add_list(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<DeadLetterOptions>();
  CLI::App* command = parent.add_subcommand("list", "List them, oldest first");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_option("--handler", options->handler, "of this handler only")->type_name("NAME");
  command->footer(
      "`wxpush events show ID` shows one whole.\n"
      "Example:\n"
      "  wxpush dlq list --handler backend");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return list(*options, io); };
    chosen.reads_store = true;
  });
}

void add_action(CLI::App& parent, Command& chosen, const std::string& name, const char* what,
                const char* footer) {
  auto options = std::make_shared<DeadLetterOptions>();
  CLI::App* command = parent.add_subcommand(name, what);
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_option("--handler", options->handler, "whose")->type_name("NAME")->required();
  command->add_option("--id", options->ids, "which, by id; several are allowed")->type_name("ID");
  command->add_flag("--all", options->all, "all of the handler's");
  if (name == "discard") command->add_flag("--yes", options->yes, "with --all: really all of them");
  command->footer(footer);
  command->callback([options, name, &chosen] {
    chosen.run = [options, name](Streams& io) { return act(name, *options, io); };
  });
}

}  // namespace

void add_dead_letters(CLI::App& parent, Command& chosen) {
  CLI::App* command = parent.add_subcommand("dlq", "Dead letters: events that a handler refused");
  command->require_subcommand(1);
  add_list(*command, chosen);
  add_action(*command, chosen, "requeue", "Let the running server offer them again",
             "In the order of their order, ahead of what was not offered yet.\n"
             "Examples:\n"
             "  wxpush dlq requeue --handler backend --id 1042\n"
             "  wxpush dlq requeue --handler backend --all");
  add_action(*command, chosen, "discard", "Give them up",
             "The events stay in the store until their retention is over.\n"
             "Example:\n"
             "  wxpush dlq discard --handler backend --id 1042");
}

}  // namespace wxpush::cli
