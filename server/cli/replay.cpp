#include "handlers/queue/reader.h"
#include "server/cli/command.h"
#include "server/cli/event_asker.h"
#include "server/cli/event_query.h"
#include "server/cli/settings_source.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

namespace wxpush::cli {
namespace {

struct ReplayOptions {
  std::string config;
  QueryOptions query;
  std::vector<std::string> ids;
  bool yes = false;
  Format format = Format::table;
};

int replay(const ReplayOptions& options, Streams& io) {
  const bool filter = has_narrow_filter(options.query) || !options.query.state.empty();
  if (!options.ids.empty() && filter) throw CommandError(exit_usage, "ids or a filter, not both");
  if (options.ids.empty() && !(filter && options.yes)) {
    throw CommandError(exit_usage,
                       "say which: ids, or a filter (--order, --since, --type …) and --yes");
  }
  const auto settings = load_settings(options.config);
  const auto reader = server::open_reader(settings.store);
  EventAsker asker(settings, *reader, dispatch::Ask::replay, io);
  const std::string& handler = options.query.handler;
  const auto all = reader->handlers();
  if (std::ranges::find(all, handler, &queue::HandlerRecord::name) == all.end())
    throw CommandError(exit_unusable, "no handler is called " + handler);
  if (options.ids.empty()) {
    auto query = make_query(options.query, SystemClock().wall());
    query.filter.until = reader->last_id();  // what comes from now on is offered in any case
    for_each(
        *reader, query, [&](const EventView& view) { asker.add(handler, view.event.id); }, [] {});
  } else {
    for (const std::string& id : options.ids) asker.add(handler, find_event(*reader, id).id);
  }
  const auto granted = asker.finish();
  print_granted(io.out, options.format, granted, "offered again");
  return granted.done > 0 ? exit_ok : exit_no;
}

}  // namespace

void add_replay(CLI::App& events, Command& chosen) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = events.add_subcommand("replay", "Offer some to a handler once more");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_option("ids", options->ids, "which: id, event_id, or 8 or more of its digits")
      ->type_name("ID");
  add_query(*command, options->query);
  command->get_option("--handler")->required()->description("to this handler");
  command->add_flag("--yes", options->yes, "without ids: really all that the filter finds");
  command->footer(
      "What was delivered, or is a dead letter, is offered again: in the order of its order, ahead "
      "of\n"
      "what was not offered yet, with the header `wxpush-replay: N`. What still waits is passed "
      "over.\n"
      "Without a running server the store is changed, and the next start offers them.\n"
      "Examples:\n"
      "  wxpush events replay 1042 --handler backend\n"
      "  wxpush events replay --since 2h --type update_waybill_status --handler backend --yes");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return replay(*options, io); };
    chosen.reads_store = true;
  });
}

}  // namespace wxpush::cli
