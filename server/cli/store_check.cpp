#include "handlers/queue/store_check.h"

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

struct CheckOptions {
  std::string config;
  std::string directory;
  Format format = Format::table;
};

void print_json(std::ostream& out, const std::string& directory, const queue::CheckReport& report) {
  for (const queue::Finding& finding : report.findings) {
    event::JsonWriter json;
    json.begin_object().key("kind").string(finding.kind).key("id");
    finding.id ? json.integer(static_cast<std::int64_t>(*finding.id)) : json.null();
    json.key("event_id");
    finding.event_id ? json.string(event::to_string(*finding.event_id)) : json.null();
    json.key("what").string(finding.what).end_object();
    out << json.take() << '\n';
  }
  event::JsonWriter json;
  json.begin_object().key("store").string(directory).key("whole").boolean(report.whole());
  json.key("findings").integer(static_cast<std::int64_t>(report.count));
  json.key("events").integer(static_cast<std::int64_t>(report.events));
  json.key("bytes").integer(static_cast<std::int64_t>(report.bytes));
  json.key("sealed").integer(static_cast<std::int64_t>(report.sealed));
  json.key("last_id").integer(static_cast<std::int64_t>(report.last_id));
  json.key("schema").integer(report.schema);
  json.key("incarnation").string(queue::to_text(report.incarnation));
  json.key("checksums").boolean(report.checksums);
  json.key("served").boolean(report.served).end_object();
  out << json.take() << '\n';
}

void print_table(std::ostream& out, const std::string& directory,
                 const queue::CheckReport& report) {
  Table table(out, {"KIND", "ID", "EVENT_ID", "WHAT"});
  for (const queue::Finding& finding : report.findings) {
    table.add({finding.kind, finding.id ? std::to_string(*finding.id) : "-",
               finding.event_id ? event::to_string(*finding.event_id).substr(0, 16) : "-",
               finding.what});
  }
  if (!report.whole()) {
    table.flush();
    out << '\n';
  }
  print_facts(out, {{"store", directory},
                    {"  events", std::to_string(report.events) + ", newest id " +
                                     std::to_string(report.last_id)},
                    {"  incarnation", queue::to_text(report.incarnation)},
                    {"  schema", std::to_string(report.schema) +
                                     (report.checksums ? "" : ", without checksums of its pages")},
                    {"  whole", report.whole() ? "yes"
                                               : "NO: " + std::to_string(report.count) +
                                                     " findings; `wxpush store salvage` saves what "
                                                     "can be read"}});
}

int check(const CheckOptions& options, Streams& io) {
  std::string directory = options.directory;
  std::vector<queue::BodyKey> body_keys;
  if (directory.empty() || !options.config.empty()) {  // a backup can be looked at anywhere
    const auto settings = load_settings(options.config);
    if (directory.empty()) directory = settings.store.path.string();
    body_keys = server::body_keys(settings.store);
  }
  const queue::CheckReport report = queue::check_store(directory, body_keys, tell_progress(io.err));
  if (report.served) {
    io.err << "a server has this store: its rows were checked; its structure, its index and its "
              "counters are, when it is stopped, or in a backup\n";
  }
  if (report.sealed > 0) {
    io.err << report.sealed
           << " bodies are sealed with keys that are not at hand: they were not compared; "
              "--config names settings that have them\n";
  }
  if (options.format == Format::json) {
    print_json(io.out, directory, report);
  } else {
    print_table(io.out, directory, report);
  }
  return report.whole() ? exit_ok : exit_store_failed;
}

}  // namespace

void add_store_check(CLI::App& store, Command& chosen) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = store.add_subcommand("check", "Whether it is whole, to the last byte");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_option("directory", options->directory, "a backup, say, instead of the store")
      ->type_name("DIR");
  command->footer(
      "Reads everything, changes nothing, and may be used beside a running server. Each event's\n"
      "event_id is computed again from its body. Exit code 0 if all is whole, 74 if not: what is\n"
      "wrong is named by id.\n"
      "Examples:\n"
      "  wxpush store check\n"
      "  wxpush store check /backups/wxpush-2026-11-25 --format json");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return check(*options, io); };
    chosen.reads_store = true;
  });
}

}  // namespace wxpush::cli
