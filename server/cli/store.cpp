#include "server/cli/command.h"

#include <CLI/CLI.hpp>

namespace wxpush::cli {

void add_store(CLI::App& parent, Command& chosen) {
  CLI::App* command = parent.add_subcommand("store", "The store: whole? copies, and what is left");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  wxpush store check\n"
      "  wxpush store backup /backups/wxpush-$(date +%F)\n"
      "  wxpush store restore /backups/wxpush-2026-11-25\n"
      "  wxpush store salvage -o /var/lib/wxpush-saved");
  add_store_check(*command, chosen);
  add_store_backup(*command, chosen);
  add_store_restore(*command, chosen);
  add_store_salvage(*command, chosen);
}

}  // namespace wxpush::cli
