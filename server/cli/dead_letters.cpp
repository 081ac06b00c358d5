#include "handlers/event/json.h"
#include "handlers/queue/reader.h"
#include "server/cli/command.h"
#include "server/cli/event_asker.h"
#include "server/cli/event_query.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/cli/time_text.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <ostream>
#include <utility>

namespace wxpush::cli {
namespace {

struct DeadLetterOptions {
  std::string config;
  QueryOptions query;
  std::vector<std::string> handlers;
  std::vector<std::string> ids;
  bool yes = false;
  bool reveal = false;
  Format format = Format::table;
};

using Show = std::function<void(const queue::HandlerRecord&, const queue::DeadLetter&,
                                const queue::StoredEvent&)>;

bool is_meant(const DeadLetterOptions& options, const std::string& handler) {
  return options.handlers.empty() ||
         std::ranges::find(options.handlers, handler) != options.handlers.end();
}

// A page at a time, and nothing is held in between.
void for_each_of(queue::Reader& reader, const queue::HandlerRecord& handler,
                 const EventQuery& query, const Show& show, const std::function<void()>& page_end) {
  queue::RowId after = 0;
  for (auto page = reader.dead_letters(handler.number, after); !page.empty();
       page = reader.dead_letters(handler.number, after)) {
    for (const queue::DeadLetter& letter : page) {
      after = letter.id;
      const auto event = reader.find(letter.id);
      if (event && covers(query, *event)) show(handler, letter, *event);
    }
    page_end();
  }
}

void for_each(queue::Reader& reader, const DeadLetterOptions& options, const Show& show,
              const std::function<void()>& page_end) {
  const auto query = make_query(options.query, SystemClock().wall());
  const auto all = reader.handlers();
  for (const std::string& name : options.handlers) {
    if (std::ranges::find(all, name, &queue::HandlerRecord::name) == all.end())
      throw CommandError(exit_unusable, "no handler is called " + name);
  }
  for (const auto& handler : all) {
    if (is_meant(options, handler.name)) for_each_of(reader, handler, query, show, page_end);
  }
}

std::string to_json(const queue::HandlerRecord& handler, const queue::DeadLetter& letter,
                    const queue::StoredEvent& event) {
  event::JsonWriter json;
  json.begin_object().key("handler").string(handler.name);
  json.key("id").integer(static_cast<std::int64_t>(letter.id));
  json.key("event_id").string(event::to_string(event.event_id));
  json.key("app").string(event.app).key("type").string(event.type);
  json.key("order_key").string(event.order_key);
  json.key("attempts").integer(letter.attempts).key("error").string(letter.error);
  json.key("died_at").string(to_text(letter.died_at)).end_object();
  return json.take();
}

int list(const DeadLetterOptions& options, Streams& io) {
  const auto reader = server::open_reader(load_settings(options.config).store);
  Table table(io.out, {"HANDLER", "ID", "DIED", "ATTEMPTS", "TYPE", "ORDER", "ERROR"});
  const auto show = [&](const auto& handler, const auto& letter, const auto& event) {
    if (options.format == Format::json) {
      io.out << to_json(handler, letter, event) << '\n';
    } else {
      table.add({handler.name, std::to_string(letter.id), to_text(letter.died_at),
                 std::to_string(letter.attempts), event.type, event.order_key, letter.error});
    }
  };
  for_each(*reader, options, show, [&] {
    if (options.format == Format::table) table.flush();
    io.out.flush();
  });
  return exit_ok;
}

int show(const DeadLetterOptions& options, Streams& io) {
  const auto reader = server::open_reader(load_settings(options.config).store);
  for (const std::string& id : options.ids) {
    EventView view{find_event(*reader, id), {}, EventState::unrouted};
    view.deliveries = reader->deliveries(view.event);
    view.state = state_of(view.deliveries);
    if (view.state != EventState::dead)
      throw CommandError(exit_no, "no dead letter: " + id + " (it is " + to_text(view.state) + ")");
    if (options.format == Format::json) {
      io.out << to_json(view, options.reveal) << '\n';
    } else {
      if (id != options.ids.front()) io.out << '\n';
      print_facts(io.out, to_facts(view, options.reveal));
    }
  }
  return exit_ok;
}

void ask_by_id(const DeadLetterOptions& options, queue::Reader& reader, EventAsker& asker) {
  for (const std::string& id : options.ids) {
    const auto event = find_event(reader, id);
    bool dead = false;
    for (const auto& delivery : reader.deliveries(event)) {
      if (delivery.state != queue::DeliveryState::dead || !is_meant(options, delivery.handler))
        continue;
      asker.add(delivery.handler, event.id);
      dead = true;
    }
    if (!dead) throw CommandError(exit_no, "no dead letter: " + id);
  }
}

bool has_filter(const DeadLetterOptions& options) {
  return !options.handlers.empty() || has_narrow_filter(options.query);
}

int act(dispatch::Ask ask, const DeadLetterOptions& options, Streams& io) {
  if (options.ids.empty() && !(has_filter(options) && options.yes)) {
    throw CommandError(exit_usage,
                       "say which: ids, or a filter (--handler, --order, --since …) and --yes");
  }
  if (!options.ids.empty() && has_narrow_filter(options.query))
    throw CommandError(exit_usage, "ids or a filter, not both");
  const auto settings = load_settings(options.config);
  const auto reader = server::open_reader(settings.store);
  EventAsker asker(settings, *reader, ask, io);
  if (options.ids.empty()) {
    std::string told;
    for_each(
        *reader, options,
        [&](const auto& handler, const auto& letter, const auto&) {
          if (ask == dispatch::Ask::discard || !handler.orphaned) {
            asker.add(handler.name, letter.id);
          } else if (std::exchange(told, handler.name) != handler.name) {
            io.err << "handler " << handler.name << " is gone: its dead letters stay\n";
          }
        },
        [] {});
  } else {
    ask_by_id(options, *reader, asker);
  }
  const auto granted = asker.finish();
  print_granted(io.out, options.format, granted,
                ask == dispatch::Ask::requeue ? "offered again" : "discarded");
  return granted.done > 0 ? exit_ok : exit_no;
}

void add_common(CLI::App& command, DeadLetterOptions& options) {
  add_config(command, options.config);
  add_format(command, options.format);
}

void add_filter(CLI::App& command, DeadLetterOptions& options) {
  command.add_option("--handler", options.handlers, "of this handler; may be given several times")
      ->type_name("NAME");
  add_narrow_query(command, options.query);
}

void add_list(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<DeadLetterOptions>();
  CLI::App* command = parent.add_subcommand("list", "List them, oldest first");
  add_common(*command, *options);
  add_filter(*command, *options);
  command->footer("Example:\n  wxpush dlq list --handler backend --since 2h");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return list(*options, io); };
    chosen.reads_store = true;
  });
}

void add_show(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<DeadLetterOptions>();
  CLI::App* command = parent.add_subcommand("show", "Show some whole, with why they died");
  add_common(*command, *options);
  command->add_option("ids", options->ids, "id, event_id, or 8 or more of its digits")
      ->type_name("ID")
      ->required();
  command->add_flag("--reveal", options->reveal, "names and phone numbers, too");
  command->footer("Example:\n  wxpush dlq show 1042");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return show(*options, io); };
    chosen.reads_store = true;
  });
}

void add_action(CLI::App& parent, Command& chosen, dispatch::Ask ask, const char* what,
                const char* footer) {
  auto options = std::make_shared<DeadLetterOptions>();
  CLI::App* command = parent.add_subcommand(std::string(to_string(ask)), what);
  add_common(*command, *options);
  command->add_option("ids", options->ids, "which: id, event_id, or 8 or more of its digits")
      ->type_name("ID");
  add_filter(*command, *options);
  command->add_flag("--yes", options->yes, "without ids: really all that the filter finds");
  command->footer(footer);
  command->callback([options, ask, &chosen] {
    chosen.run = [options, ask](Streams& io) { return act(ask, *options, io); };
    chosen.reads_store = true;
  });
}

}  // namespace

void add_dead_letters(CLI::App& parent, Command& chosen) {
  CLI::App* command = parent.add_subcommand("dlq", "Dead letters: events that a handler refused");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  wxpush dlq list\n"
      "  wxpush dlq show 1042\n"
      "  wxpush dlq requeue --handler backend --since 2h --yes");
  add_list(*command, chosen);
  add_show(*command, chosen);
  add_action(
      *command, chosen, dispatch::Ask::requeue, "Offer them again",
      "In the order of their order, ahead of what was not offered yet. Without a running server\n"
      "the store is changed, and the next start offers them.\n"
      "Examples:\n"
      "  wxpush dlq requeue 1042 1043\n"
      "  wxpush dlq requeue --handler backend --since 2h --yes");
  add_action(*command, chosen, dispatch::Ask::discard, "Give them up",
             "The events stay in the store until their retention is over.\n"
             "Examples:\n"
             "  wxpush dlq discard 1042\n"
             "  wxpush dlq discard --handler backend --type debug_demo --yes");
}

}  // namespace wxpush::cli
