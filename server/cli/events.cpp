#include "handlers/queue/reader.h"
#include "server/cli/command.h"
#include "server/cli/event_query.h"
#include "server/cli/follow.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <memory>
#include <ostream>
#include <thread>

namespace wxpush::cli {
namespace {

struct EventsOptions {
  std::string config;
  QueryOptions query;
  std::vector<std::string> ids;
  std::size_t limit = 0;
  bool reveal = false;
  Format format = Format::table;
};

std::unique_ptr<queue::Reader> open_reader(const EventsOptions& options) {
  return server::open_reader(load_settings(options.config).store);
}

int list(const EventsOptions& options, Streams& io) {
  const auto reader = open_reader(options);
  const EventQuery query = make_query(options.query, SystemClock().wall());
  EventPrinter printer(io.out, options.format, options.reveal);
  if (options.limit == 0) {
    for_each(
        *reader, query, [&](const EventView& view) { printer.event(view); },
        [&] { printer.flush(); });
    return exit_ok;
  }
  for (const queue::RowId id : newest(*reader, query, options.limit)) {
    const auto event = reader->find(id);  // may have been erased meanwhile
    const auto view = event ? match(*reader, query, *event) : std::nullopt;
    if (view) printer.event(*view);
  }
  printer.flush();
  return exit_ok;
}

int show(const EventsOptions& options, Streams& io) {
  const auto reader = open_reader(options);
  for (const std::string& id : options.ids) {
    EventView view{find_event(*reader, id), {}, EventState::unrouted};
    view.deliveries = reader->deliveries(view.event);
    view.state = state_of(view.deliveries);
    if (options.format == Format::json) {
      io.out << to_json(view, options.reveal) << '\n';
    } else {
      if (id != options.ids.front()) io.out << '\n';
      print_facts(io.out, to_facts(view, options.reveal));
    }
  }
  return exit_ok;
}

int tail(const EventsOptions& options, Streams& io) {
  const auto reader = open_reader(options);
  const EventQuery query = make_query(options.query, SystemClock().wall());
  EventPrinter printer(io.out, options.format, options.reveal);
  follow(*reader, query, options.limit, printer, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return static_cast<bool>(io.out);
  });
  return exit_ok;
}

void add_common(CLI::App& command, EventsOptions& options) {
  add_config(command, options.config);
  add_format(command, options.format);
  command.add_flag("--reveal", options.reveal, "show names and phone numbers");
}

using Run = int (*)(const EventsOptions&, Streams&);

void choose(CLI::App& command, Command& chosen, std::shared_ptr<EventsOptions> options, Run run,
            int when_interrupted) {
  command.callback([options = std::move(options), run, when_interrupted, &chosen] {
    chosen.run = [options, run](Streams& io) { return run(*options, io); };
    chosen.reads_store = true;
    chosen.when_interrupted = when_interrupted;
  });
}

void add_list(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<EventsOptions>();
  CLI::App* command = parent.add_subcommand("list", "List them, oldest first");
  add_common(*command, *options);
  add_query(*command, options->query);
  command->add_option("--limit", options->limit, "only the newest N of them")->type_name("N");
  command->footer(
      "Examples:\n"
      "  wxpush events list --limit 20\n"
      "  wxpush events list --order A17 --format json\n"
      "  wxpush events list --type 'update_*' --since 2h --state pending --handler backend");
  choose(*command, chosen, options, list, 130);
}

void add_show(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<EventsOptions>();
  CLI::App* command = parent.add_subcommand("show", "Show everything about one or more");
  command->add_option("id", options->ids, "id, or event_id, or 8 or more of its first digits")
      ->required();
  add_common(*command, *options);
  command->footer(
      "Examples:\n"
      "  wxpush events show 17\n"
      "  wxpush events show 5f3a9c01 --reveal --format json");
  choose(*command, chosen, options, show, 130);
}

void add_tail(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<EventsOptions>();
  options->limit = 10;
  CLI::App* command = parent.add_subcommand("tail", "Show the newest, then what comes, until ^C");
  add_common(*command, *options);
  add_query(*command, options->query);
  command->add_option("--limit", options->limit, "begin with the newest N")
      ->type_name("N")
      ->capture_default_str();
  command->footer(
      "Pushes that were known already are told, too:\n"
      "  known [event_id], seen 3 times, not delivered again\n"
      "Example:\n"
      "  wxpush events tail --app shop");
  choose(*command, chosen, options, tail, exit_ok);
}

}  // namespace

void add_events(CLI::App& parent, Command& chosen) {
  CLI::App* command =
      parent.add_subcommand("events", "Look at stored events, beside a running server");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  wxpush events tail\n"
      "  wxpush events list --since 2h --state dead\n"
      "  wxpush events show 1042");
  add_list(*command, chosen);
  add_show(*command, chosen);
  add_tail(*command, chosen);
  add_replay(*command, chosen);
  add_erase(*command, chosen);
}

}  // namespace wxpush::cli
