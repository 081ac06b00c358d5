// Backup and restore in the lives of a recorded store.

#include "handlers/queue/sqlite.h"
#include "handlers/queue/store_backup.h"
#include "handlers/queue/store_files.h"
#include "tests/fault/store_subject.h"

#include <algorithm>

namespace wxpush::queue {
namespace {

void silent(const std::string&, std::uint64_t, std::uint64_t) {}

}  // namespace

void back_up_to(const std::filesystem::path& target, Subject& subject) {
  const BackupPace pace{.rest = [](std::chrono::nanoseconds) {}};
  back_up(subject.settings.directory, target, subject.settings.body_keys, subject.clock,
          subject.disk, pace, silent);
}

void restore_from(const std::filesystem::path& backup, Subject& subject, const Trace& trace) {
  if (std::filesystem::exists(StoreFiles(subject.settings.directory).database)) return;
  restore(backup, subject.settings.directory, subject.settings.body_keys, subject.clock,
          subject.disk, subject.log, subject.random, silent);
  promise_what_is_stored(subject, trace);
  trace.mark("restored");
}

void promise_what_is_stored(const Subject& subject, const Trace& trace) {
  const auto reader = Reader::open(subject.settings.directory, subject.settings.body_keys);
  RowId settled = 0;
  for (const HandlerRecord& handler : reader->handlers())
    settled = std::max(settled, handler.cursor);
  trace.mark("settle " + std::to_string(settled));
  for (const StoredEvent& event : all_events(subject.settings)) {
    const std::string told = " " + to_string(event.event_id) + " " +
                             std::to_string(event.received_at.time_since_epoch().count());
    trace.mark("try" + told);
    trace.mark("stored" + told + " " + std::to_string(event.id));
  }
  const Connection database(StoreFiles(subject.settings.directory).database.string(),
                            {.read_only = true, .busy_milliseconds = 1000});
  Statement left(database, "SELECT event_id, received_at, id FROM erased");
  for (Rows rows = left.query(); rows.next();)
    trace.mark("left " + to_string(rows.event_id(0)) + " " + std::to_string(rows.integer(1)) + " " +
               std::to_string(rows.integer(2)));
}

}  // namespace wxpush::queue
