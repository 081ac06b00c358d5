#include "handlers/queue/reader.h"
#include "server/cli/command.h"
#include "server/cli/event_query.h"
#include "server/cli/order_view.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"
#include "server/order_query.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct OrdersOptions {
  std::string config;
  QueryOptions query;  // app, since, until
  std::string order;
  std::size_t limit = 20;
  bool open = false;
  bool reveal = false;
  Format format = Format::table;
};

std::unique_ptr<queue::Reader> open_reader(const OrdersOptions& options) {
  return server::open_reader(load_settings(options.config).store);
}

int list(const OrdersOptions& options, Streams& io) {
  constexpr std::size_t rows_at_once = 100;
  const auto reader = open_reader(options);
  const auto filter = make_query(options.query, SystemClock().wall()).filter;
  Table table(io.out, order_titles());
  std::size_t shown = 0;
  server::newest_orders(*reader, filter, [&](const server::OrderView& order) {
    if (options.open && !order.timeline.open()) return true;
    if (options.format == Format::json) {
      io.out << to_summary_json(order) << '\n';
    } else {
      table.add(to_row(order));
      if ((shown + 1) % rows_at_once == 0) table.flush();
    }
    return ++shown != options.limit && static_cast<bool>(io.out);
  });
  if (options.format == Format::table) table.flush();
  return exit_ok;
}

int show(const OrdersOptions& options, Streams& io) {
  const auto reader = open_reader(options);
  const auto orders = server::find_orders(*reader, options.order, options.query.app);
  if (orders.empty()) throw CommandError(exit_no, "no order " + options.order);
  for (const server::OrderView& order : orders) {
    if (options.format == Format::json) {
      io.out << to_json(order, options.reveal) << '\n';
      continue;
    }
    if (&order != &orders.front()) io.out << "\n\n";
    print_order(io.out, order, options.reveal);
  }
  return exit_ok;
}

void choose(CLI::App& command, Command& chosen, std::shared_ptr<OrdersOptions> options,
            int (*run)(const OrdersOptions&, Streams&)) {
  command.callback([options = std::move(options), run, &chosen] {
    chosen.run = [options, run](Streams& io) { return run(*options, io); };
    chosen.reads_store = true;
  });
}

void add_common(CLI::App& command, OrdersOptions& options) {
  add_config(command, options.config);
  add_format(command, options.format);
  command.add_option("--app", options.query.app, "of this app")->type_name("NAME");
}

void add_list(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<OrdersOptions>();
  CLI::App* command =
      parent.add_subcommand("list", "List them, the one with the newest event first");
  add_common(*command, *options);
  command
      ->add_option("--since", options->query.since,
                   "their newest event came then or later: a time, or 2h, 1d")
      ->type_name("TIME");
  command->add_option("--until", options->query.until, "their newest event came before")
      ->type_name("TIME");
  command->add_option("--limit", options->limit, "only the first N of them; 0: all")
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--open", options->open, "only those whose status is not a final one");
  command->footer(
      "Examples:\n"
      "  wxpush orders list\n"
      "  wxpush orders list --open --until 2h\n"
      "  wxpush orders list --since 1d --limit 0 --format json");
  choose(*command, chosen, options, list);
}

void add_show(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<OrdersOptions>();
  CLI::App* command =
      parent.add_subcommand("show", "Show the deliveries of an order, with their timelines");
  command
      ->add_option("order", options->order,
                   "a printed order key, or a shop_order_id, or a waybill_id")
      ->required();
  add_common(*command, *options);
  command->add_flag("--reveal", options->reveal, "show names and phone numbers");
  command->footer(
      "Examples:\n"
      "  wxpush orders show A17\n"
      "  wxpush orders show wx0123456789abcdef/test_shop_id/A17\n"
      "  wxpush orders show 20231114000017 --reveal --format json");
  choose(*command, chosen, options, show);
}

}  // namespace

void add_orders(CLI::App& parent, Command& chosen) {
  CLI::App* command =
      parent.add_subcommand("orders", "What became of orders, beside a running server");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  wxpush orders list\n"
      "  wxpush orders show A17");
  add_list(*command, chosen);
  add_show(*command, chosen);
}

}  // namespace wxpush::cli
