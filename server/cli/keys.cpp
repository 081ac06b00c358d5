#include "handlers/event/json.h"
#include "handlers/queue/reader.h"
#include "server/cli/admin_client.h"
#include "server/cli/command.h"
#include "server/cli/key_uses.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/cli/time_text.h"
#include "server/key_fact.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

constexpr const char* rule =
    "safe to remove: another key of the app was used later, and this one not for 7 days";

struct KeysOptions {
  std::string config;
  Format format = Format::table;
};

std::vector<KeyUse> find_uses(const config::Settings& settings, WallTime now, std::ostream& err) {
  const auto answer = ask_server(settings, "GET", "/api/v1/status", status_timeout);
  if (answer && answer->status == 200) return uses_in_status(answer->body, now);
  err << "no server is running: this is what the store remembers\n";
  return uses_in_store(
      settings,
      server::open_reader(settings.store)->remembered(std::string(server::key_fact_prefix)));
}

void print_json(std::ostream& out, const KeyUse& use) {
  event::JsonWriter json;
  json.begin_object().key("app").string(use.app).key("key").string(use.key);
  json.key("uses").integer(static_cast<std::int64_t>(use.uses)).key("last_used_at");
  use.last_used ? json.string(to_text(*use.last_used)) : json.null();
  json.key("safe_to_remove").boolean(use.safe_to_remove).end_object();
  out << json.take() << '\n';
}

std::string advice(const KeyUse& use) {
  if (!use.last_used) return "not used yet";
  return use.safe_to_remove ? "safe to remove" : "in use";
}

int keys_status(const KeysOptions& options, Streams& io) {
  const WallTime now = SystemClock().wall();
  std::vector<KeyUse> uses = find_uses(load_settings(options.config), now, io.err);
  mark_removable(uses, now);
  Table table(io.out, {"APP", "KEY", "USES", "LAST USED", "ADVICE"});
  for (const KeyUse& use : uses) {
    if (options.format == Format::json) {
      print_json(io.out, use);
    } else {
      table.add({use.app, use.key, std::to_string(use.uses),
                 use.last_used ? to_text(*use.last_used) : "-", advice(use)});
    }
  }
  if (options.format == Format::table) table.flush();
  io.err << rule << '\n';
  return exit_ok;
}

}  // namespace

void add_keys(CLI::App& parent, Command& chosen) {
  CLI::App* keys = parent.add_subcommand("keys", "The keys of the apps");
  keys->require_subcommand(1);
  keys->footer(
      "Examples:\n"
      "  wxpush keys status");
  auto options = std::make_shared<KeysOptions>();
  CLI::App* command =
      keys->add_subcommand("status", "Which key was last used when, and which may go");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->footer(
      "A key is safe to remove when another key of its app was used after its last use, and that\n"
      "is seven days ago or more. One that was never used may be the next one: it stays.\n"
      "Example:\n"
      "  wxpush keys status");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return keys_status(*options, io); };
    chosen.reads_store = true;
  });
}

}  // namespace wxpush::cli
