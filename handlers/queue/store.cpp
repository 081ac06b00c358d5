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
      body_keys(connection()),
      bodies(open_bodies(settings, clock)),
      events(connection(), bodies),
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
      eraser(meta, events, handlers, lanes, pruner),
      resealer(meta, events, body_keys, bodies, log),
      space(settings, opened_.files, connection(), disk, log),
      checkpointer(connection(), opened_.files, *opened_.lock, disk, *opened_.health, log,
                   settings.wal_checkpoint_pages),
      retention(last_look(meta), clock.wall(), clock.steady(), settings.retention),
      next_id(static_cast<RowId>(meta.get(meta_key::next_id, 1))) {
  connection().wait_for_locks(writer_patience_milliseconds);
}

// A store whose bodies could not be opened would be one that delivers nothing.
BodyCipher Store::open_bodies(const QueueSettings& settings, Clock& clock) {
  const std::vector<std::string> missing = body_keys.missing(settings.body_keys);
  if (!missing.empty()) {
    throw StoreOpenError(exit_unusable,
                         "the store " + settings.directory.string() +
                             " holds bodies sealed with the key " + missing.front() +
                             ", which is neither store.encryption_key_file nor among "
                             "store.old_encryption_key_files; put it back there");
  }
  if (!settings.body_keys.empty()) {
    const std::string& mark = settings.body_keys.front().mark();
    const Outcome outcome = transact([&] { body_keys.adopt(mark, stored(clock.wall())); });
    if (outcome != Outcome::committed) {
      throw StoreOpenError(exit_store_failed, "the key of bodies could not be noted in the store " +
                                                  settings.directory.string());
    }
  }
  return {settings.body_keys, body_keys.numbers(), settings.random};
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
