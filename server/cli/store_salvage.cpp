#include "handlers/queue/store_salvage.h"

#include "crypto/primitives/random.h"
#include "handlers/event/json.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/progress.h"
#include "server/cli/settings_source.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct SalvageOptions {
  std::string config;
  std::string target;
  Format format = Format::table;
};

std::string range(const std::pair<queue::RowId, queue::RowId>& gap) {
  const std::string from = std::to_string(gap.first);
  return gap.first == gap.second ? from : from + "-" + std::to_string(gap.second);
}

std::string missing(const queue::SalvageReport& report) {
  std::string text;
  for (const auto& gap : report.missing) text += (text.empty() ? "" : ", ") + range(gap);
  return text;
}

std::string aside(const queue::SalvageReport& report) {
  std::string text;
  for (const queue::RowId id : report.aside)
    text += (text.empty() ? "" : ", ") + std::to_string(id);
  return text;
}

void print_json(std::ostream& out, const std::string& target, const queue::SalvageReport& report) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  event::JsonWriter json;
  json.begin_object().key("saved").string(target).key("everything").boolean(report.everything());
  json.key("events").integer(number(report.events)).key("counted").integer(number(report.counted));
  json.key("bits_put_right").integer(number(report.bits_put_right));
  json.key("damaged_pages").integer(number(report.damaged_pages));
  json.key("aside").begin_array();
  for (const queue::RowId id : report.aside) json.integer(number(id));
  json.end_array().key("missing").begin_array();
  for (const auto& gap : report.missing) json.string(range(gap));
  json.end_array();
  json.strings("lost", report.lost);
  json.key("incarnation").string(queue::to_text(report.incarnation)).end_object();
  out << json.take() << '\n';
}

void print_table(std::ostream& out, const std::string& target, const queue::SalvageReport& report) {
  std::vector<std::pair<std::string, std::string>> facts{
      {"saved in", target},
      {"  events", std::to_string(report.events) +
                       (report.counted > 0 ? " of " + std::to_string(report.counted) : "")},
      {"  put right", std::to_string(report.bits_put_right) + " bits"},
      {"  damaged pages", std::to_string(report.damaged_pages)},
      {"  incarnation", queue::to_text(report.incarnation)}};
  for (const std::string& what : report.lost) facts.emplace_back("  LOST", what);
  if (!report.missing.empty())
    facts.emplace_back("  MISSING",
                       "no event has id " + missing(report) + " (lost, or erased before)");
  if (!report.aside.empty())
    facts.emplace_back("  ASIDE",
                       "not what their event_id says, in " + target + "/aside: " + aside(report));
  print_facts(out, facts);
}

int salvage(const SalvageOptions& options, Streams& io) {
  const auto settings = load_settings(options.config);
  const std::string target =
      options.target.empty() ? settings.store.path.string() + ".salvaged" : options.target;
  SystemClock clock;
  queue::SystemDisk disk;
  crypto::SystemRandom random;
  const queue::SalvageReport report =
      queue::salvage(settings.store.path, target, server::body_keys(settings.store), clock, disk,
                     random, tell_progress(io.err));
  if (options.format == Format::json) {
    print_json(io.out, target, report);
  } else {
    print_table(io.out, target, report);
  }
  return report.everything() ? exit_ok : exit_no;
}

}  // namespace

void add_store_salvage(CLI::App& store, Command& chosen) {
  auto options = std::make_shared<SalvageOptions>();
  CLI::App* command =
      store.add_subcommand("salvage", "Save what a damaged one still holds into a new one");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_option("-o,--output", options->target, "the new store; STORE.salvaged if not given")
      ->type_name("DIR");
  command->footer(
      "The damaged store is left as it is; no server may run on it. Events keep their ids and\n"
      "event_ids, handlers their places, dead letters and what waits. An event that is not what "
      "its\n"
      "event_id says is put aside, never served. Exit code 0 if nothing was lost, else 1 and "
      "what.\n"
      "Move the new store to the old one's place to serve it.\n"
      "Example:\n"
      "  wxpush store salvage -o /var/lib/wxpush.saved");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return salvage(*options, io); };
  });
}

}  // namespace wxpush::cli
