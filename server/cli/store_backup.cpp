#include "handlers/queue/store_backup.h"

#include "handlers/event/json.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/progress.h"
#include "server/cli/settings_source.h"
#include "server/queue_settings.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>
#include <thread>

namespace wxpush::cli {
namespace {

struct BackupOptions {
  std::string config;
  std::string directory;
  Format format = Format::table;
};

int back_up(const BackupOptions& options, Streams& io) {
  const auto settings = load_settings(options.config);
  SystemClock clock;
  queue::SystemDisk disk;
  queue::BackupPace pace;
  pace.rest = [](std::chrono::nanoseconds time) { std::this_thread::sleep_for(time); };
  const queue::CheckReport report =
      queue::back_up(settings.store.path, options.directory, server::body_keys(settings.store),
                     clock, disk, pace, tell_progress(io.err));
  if (options.format == Format::json) {
    event::JsonWriter json;
    json.begin_object().key("backup").string(options.directory);
    json.key("events").integer(static_cast<std::int64_t>(report.events));
    json.key("last_id").integer(static_cast<std::int64_t>(report.last_id));
    json.key("incarnation").string(queue::to_text(report.incarnation)).end_object();
    io.out << json.take() << '\n';
  } else {
    io.out << options.directory << ": " << report.events << " events, newest id " << report.last_id
           << ", incarnation " << queue::to_text(report.incarnation) << "; synced and checked\n";
  }
  return exit_ok;
}

}  // namespace

void add_store_backup(CLI::App& store, Command& chosen) {
  auto options = std::make_shared<BackupOptions>();
  CLI::App* command = store.add_subcommand("backup", "Copy it, also while the server runs");
  add_config(*command, options->config);
  add_format(*command, options->format);
  command->add_option("directory", options->directory, "where to; must not exist yet")
      ->type_name("DIR")
      ->required();
  command->footer(
      "The store as it is at one moment. It is written under another name, synced, checked like\n"
      "`wxpush store check` does, and only then called DIR: what has that name is whole.\n"
      "Example:\n"
      "  wxpush store backup /backups/wxpush-$(date +%F)");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return back_up(*options, io); };
    chosen.reads_store = true;
  });
}

}  // namespace wxpush::cli
