#include "handlers/queue/store.h"

#include <sqlite3.h>

namespace wxpush::queue {
namespace {

std::optional<WallTime> last_look(Meta& meta) {
  const std::int64_t at = meta.get(meta_key::retention_clock, 0);
  return at == 0 ? std::nullopt : std::optional(wall_time(at));
}

StartOptions start_options(const QueueSettings& settings, StartOptions options) {
  options.maintenance = options.maintenance || settings.maintenance;
  options.ask_again = settings.ask_again;
  return options;
}

}  // namespace

Store::Store(const QueueSettings& settings, Clock& clock, Disk& disk, Log& log,
             const StoreOptions& options)
    : opened_(
          open_store(settings.directory, clock, disk, log, start_options(settings, options.start))),
      begin_(connection(), "BEGIN IMMEDIATE"),
      commit_(connection(), "COMMIT"),
      meta(connection()),
      events(connection()),
      handlers(connection(), opened_.starts),
      lanes(connection()),
      quarantine(connection(), meta, settings.quarantine_entries, settings.quarantine_bytes),
      repeats(connection()),
      facts(connection()),
      generations(connection(), {.ids = settings.generation_ids,
                                 .span = settings.retention / 4,
                                 .retention = settings.retention}),
      known(connection(), events, generations, settings.recent_ids,
            static_cast<RowId>(meta.get(meta_key::filed_through, 0)), options.hash_of),
      filing(meta, known, generations, settings.recent_ids),
      pruner(meta, events, handlers, lanes, known,
             {.retention = settings.retention, .min_retention = settings.min_retention}),
      space(settings, opened_.files, connection(), disk, log),
      checkpointer(connection(), *opened_.health, log, settings.wal_checkpoint_pages),
      retention(last_look(meta), clock.wall(), clock.steady(), settings.retention),
      next_id(static_cast<RowId>(meta.get(meta_key::next_id, 1))) {
  // A lock that another process holds (only a foreign writer could) is not worth more than a
  // deadline.
  connection().wait_for_locks(2000);
}

Outcome Store::decide() {
  health().take_full();  // SQLite went on without that write: it cut a log back, or the like
  return health().failed() ? Outcome::failed : Outcome::committed;
}

Outcome Store::undo(const SqliteError& error) {
  connection().roll_back();
  return judge(error);
}

Outcome Store::judge(const SqliteError& error) {
  const bool full = health().take_full() || error.primary() == SQLITE_FULL;
  if (health().failed()) return Outcome::failed;
  if (full) return Outcome::full;
  health().fail(error.what());
  return Outcome::failed;
}

}  // namespace wxpush::queue
