#include "crypto/primitives/random.h"
#include "handlers/event/json.h"
#include "handlers/queue/store_backup.h"
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

struct RestoreOptions {
  std::string config;
  std::string directory;
  Format format = Format::table;
};

int restore(const RestoreOptions& options, Streams& io) {
  const auto settings = load_settings(options.config);
  SystemClock clock;
  queue::SystemDisk disk;
  NullLog log;
  crypto::SystemRandom random;
  const queue::CheckReport report =
      queue::restore(options.directory, settings.store.path, server::body_keys(settings.store),
                     clock, disk, log, random, tell_progress(io.err));
  const std::string store = settings.store.path.string();
  if (options.format == Format::json) {
    event::JsonWriter json;
    json.begin_object().key("store").string(store);
    json.key("events").integer(static_cast<std::int64_t>(report.events));
    json.key("last_id").integer(static_cast<std::int64_t>(report.last_id));
    json.key("incarnation").string(queue::to_text(report.incarnation)).end_object();
    io.out << json.take() << '\n';
  } else {
    io.out << store << ": " << report.events << " events, newest id " << report.last_id
           << "; its incarnation is now " << queue::to_text(report.incarnation) << '\n';
  }
  return exit_ok;
}

}  // namespace

void add_store_restore(CLI::App& store, Command& chosen) {
  auto options = std::make_shared<RestoreOptions>();
  CLI::App* command = store.add_subcommand("restore", "Make a backup the store");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_option("directory", options->directory, "the backup; it stays as it is")
      ->type_name("DIR")
      ->required();
  command->footer(
      "Into a store path that holds no store, while no server runs (else 65 and 75). What was\n"
      "acknowledged since the backup is missing, and what was delivered since is delivered again.\n"
      "Ids that were given since are given again: the store gets a new incarnation, which\n"
      "`wxpush status` shows.\n"
      "Example:\n"
      "  wxpush store restore /backups/wxpush-2026-11-25");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return restore(*options, io); };
  });
}

}  // namespace wxpush::cli
