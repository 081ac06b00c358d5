#include "handlers/queue/store_salvage.h"

#include "handlers/event/message.h"
#include "handlers/queue/event_scan.h"
#include "handlers/queue/event_table.h"
#include "handlers/queue/lock.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/salvaged_bodies.h"
#include "handlers/queue/salvaged_tables.h"
#include "handlers/queue/start.h"
#include "handlers/queue/wal_file.h"
#include "handlers/queue/whole_files.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <set>
#include <span>
#include <system_error>

namespace wxpush::queue {
namespace {

constexpr std::size_t rows_of_a_commit = 1000;
constexpr std::size_t most_gaps = 10'000;

// Puts events into the new store.
class SavedEvents {
 public:
  SavedEvents(Connection& connection, SalvagedBodies& bodies, std::filesystem::path aside,
              SalvageReport& report)
      : connection_(connection),
        table_(connection, as_they_are_),
        bodies_(bodies),
        aside_(std::move(aside)),
        report_(report) {}

  // Of a body whose key is not at hand, the page's checksum is proof enough.
  void take(const FoundEvent& found) {
    SalvagedBodies::Judged judged = bodies_.judge(found);
    using Proof = SalvagedBodies::Proof;
    if (judged.proof != Proof::refuted && !found.on_damaged) {
      apps_.emplace(found.event.appid, found.event.app);
      store(found);
    } else if (judged.proof == Proof::proven) {
      doubtful_.emplace_back(found, std::move(judged.message));
    } else {
      put_aside(found.event);
    }
  }

  // What the event_id does not prove of an event on a damaged page is told by its message, by
  // others of its app, or by those that were stored before and after it.
  void finish() {
    const auto known = static_cast<std::ptrdiff_t>(ids_.size());
    if (!doubtful_.empty()) std::sort(ids_.begin(), ids_.end(), by_id);
    for (auto& [found, body] : doubtful_) {
      StoredEvent& event = found.event;
      const event::Message message = event::read_message(event.appid, body);
      const bool app = apps_.empty() || apps_.contains({event.appid, event.app});
      if (app && message.type == event.type && message.order_key == event.order_key &&
          message.kind == event.kind) {
        if (event.event_time && message.event_time)
          event.event_time = WallTime{std::chrono::seconds{*message.event_time}};
        event.received_at = among({ids_.begin(), ids_.begin() + known}, event);
        store(found);
      } else {
        put_aside(event);
      }
    }
    commit();
  }

  std::vector<FiledId>& ids() noexcept { return ids_; }

 private:
  static bool by_id(const FiledId& one, const FiledId& other) { return one.id < other.id; }

  // When it was received: events are stored in about the order in which they came.
  static WallTime among(std::span<const FiledId> others, const StoredEvent& event) {
    const auto after =
        std::lower_bound(others.begin(), others.end(), FiledId{.id = event.id}, by_id);
    if (others.empty()) return event.received_at;
    const std::int64_t next = (after == others.end() ? others.back() : *after).received_at;
    const std::int64_t before = (after == others.begin() ? next : std::prev(after)->received_at);
    return wall_time(
        std::clamp(stored(event.received_at), std::min(before, next), std::max(before, next)));
  }

  void store(const FoundEvent& found) {
    const StoredEvent& event = found.event;
    if (waiting_ == 0) connection_.execute("BEGIN IMMEDIATE");
    ++waiting_;
    try {
      table_.insert_as_it_is(
          event.id, event,
          {.codec = found.codec, .key_number = found.key_number, .bytes = event.body});
    } catch (const SqliteError& error) {
      if (error.primary() != SQLITE_CONSTRAINT) throw;
      put_aside(event);  // its id is taken: one of the two was a leftover
      return;
    }
    ++report_.events;
    ids_.push_back({.id = event.id,
                    .hash = short_hash(event.event_id),
                    .order = order_hash(event.order_key),
                    .received_at = stored(event.received_at)});
    if (waiting_ >= rows_of_a_commit) commit();
  }

  void commit() {
    if (waiting_ == 0) return;
    waiting_ = 0;
    connection_.execute("COMMIT");
    sqlite3_wal_checkpoint_v2(connection_.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr,
                              nullptr);
  }

  void put_aside(const StoredEvent& event) {
    report_.aside.push_back(event.id);
    std::filesystem::create_directory(aside_);
    std::filesystem::permissions(aside_, std::filesystem::perms::owner_all);
    std::filesystem::path name = aside_ / std::to_string(event.id);
    for (int more = 2; std::filesystem::exists(name); ++more)
      name = aside_ / (std::to_string(event.id) + "." + std::to_string(more));
    std::ofstream file(name, std::ios::binary);
    file.write(event.body.data(), static_cast<std::streamsize>(event.body.size()));
    if (!file.flush()) throw StoreOpenError(exit_store_failed, "cannot write " + name.string());
  }

  Connection& connection_;
  const BodyCipher as_they_are_{{}, {}, nullptr};
  EventTable table_;
  SalvagedBodies& bodies_;
  std::filesystem::path aside_;
  SalvageReport& report_;
  std::vector<std::pair<FoundEvent, std::string>> doubtful_;  // and the message
  std::set<std::pair<std::string, std::string>> apps_;        // appid, app
  std::vector<FiledId> ids_;
  std::size_t waiting_ = 0;
};

void add_erased(Connection& connection, std::vector<FiledId>& ids) {
  Statement all(connection, "SELECT id, event_id, received_at FROM erased");
  for (Rows rows = all.query(); rows.next();) {
    ids.push_back({.id = rows.number(0),
                   .hash = short_hash(rows.event_id(1)),
                   .order = 0,
                   .received_at = rows.integer(2)});
  }
}

void set_counters(Connection& connection, const SalvageReport& report, RowId last_id) {
  Meta meta(connection);
  meta.set(meta_key::events, static_cast<std::int64_t>(report.events));
  const auto next = static_cast<std::int64_t>(last_id) + 1;
  meta.set(meta_key::next_id, std::max(meta.get(meta_key::next_id, 1), next));
  const std::int64_t push = connection.integer("SELECT max(id) FROM quarantine") + 1;
  meta.set(meta_key::next_quarantine_id, std::max(meta.get(meta_key::next_quarantine_id, 1), push));
}

// `ids` are sorted.
void tell_missing(const std::vector<FiledId>& ids, RowId next_id, SalvageReport& report) {
  const bool none_lost = report.counted != 0 && report.counted == report.events;
  if (none_lost) return;
  RowId expected = ids.empty() ? 1 : ids.front().id;
  const auto gap = [&](RowId end) {
    if (end > expected && report.missing.size() < most_gaps)
      report.missing.emplace_back(expected, end - 1);
  };
  for (const FiledId& one : ids) {
    gap(one.id);
    expected = one.id + 1;
  }
  gap(next_id);
  std::uint64_t told = report.aside.size();
  for (const auto& [from, to] : report.missing) told += to - from + 1;
  // Pruning takes the oldest, so nothing is missing before the first that was found, but by count.
  if (report.counted > report.events + told) {
    report.lost.push_back(std::to_string(report.counted - report.events - told) +
                          " events, older than those that were found");
  }
}

void fill_store(DamagedPages& pages, const StoreFiles& damaged, OpenedStore& made,
                const std::vector<BodyKey>& keys, const std::filesystem::path& aside,
                const Progress& progress, SalvageReport& report) {
  Connection& connection = *made.connection;
  std::set<PageNumber> free;
  if (!pages.read_free_list(free)) {
    report.lost.emplace_back(
        "which pages are free: events that were erased already may be among those saved");
  }
  progress("events", 0, 0);
  SalvagedBodies bodies(keys);
  SavedEvents events(connection, bodies, aside, report);
  scan_events(pages, free, [&](const FoundEvent& found) {
    events.take(found);
    if (report.events % rows_of_a_commit == 0) progress("events", report.events, 0);
  });
  events.finish();
  progress("other tables", 0, 0);
  SalvagedTables tables(connection, report);
  tables.attach(damaged.database);
  tables.copy(bodies.marks());
  tables.detach();
  std::vector<FiledId>& ids = events.ids();
  add_erased(connection, ids);
  progress("index", 0, 0);
  file_anew(connection, ids);
  set_counters(connection, report, ids.empty() ? 0 : ids.back().id);
  tell_missing(ids, static_cast<RowId>(Meta(connection).get(meta_key::next_id, 1)), report);
}

SalvageReport salvage_under_lock(const std::filesystem::path& store,
                                 const std::filesystem::path& target,
                                 const std::vector<BodyKey>& keys, Clock& clock, Disk& disk,
                                 crypto::Random& random, const Progress& progress) {
  SalvageReport report;
  UnfinishedDirectory directory(target);
  const StoreFiles damaged(directory.path() / "damaged");
  std::filesystem::create_directory(damaged.directory);
  progress("copy", 0, 0);
  const StoreFiles from(store);
  const LogVerdict log_verdict = inspect_log(from);
  if (log_verdict.lost == 0 && log_verdict.missing > 0)
    report.lost.emplace_back("the end of the log: what was acknowledged last");
  if (std::filesystem::exists(from.database)) {
    copy_synced(from.database, damaged.database);
  } else {
    std::ofstream empty(damaged.database);
  }
  std::error_code none;
  std::filesystem::copy_file(from.lock, damaged.lock, none);  // it says how long the log was
  if (std::filesystem::exists(from.wal)) copy_synced(from.wal, damaged.wal);
  progress("pages", 0, 0);
  DamagedPages pages(damaged);
  report.bits_put_right = pages.bits_put_right();
  report.damaged_pages = pages.damaged().size();
  if (pages.unknown() > 0) {
    report.lost.push_back("which pages of the store " + std::to_string(pages.unknown()) +
                          " damaged ones of its log are: what was written to them last");
  }
  NullLog log;
  {
    StartOptions options;
    options.maintenance = true;
    options.restored = true;
    options.random = &random;
    OpenedStore made = open_store(directory.path(), clock, disk, log, options);
    report.incarnation = made.incarnation;
    fill_store(pages, damaged, made, keys, directory.path() / "aside", progress, report);
    write_back(made);
  }
  std::filesystem::remove_all(damaged.directory);
  const CheckReport check = check_store(directory.path(), keys, progress);
  if (!check.whole()) {
    report.lost.push_back("that all is well: the new store has " + std::to_string(check.count) +
                          " findings (" + check.findings.front().what +
                          "); `wxpush store check` tells them");
  }
  remove_empty_log(directory.path());
  directory.finish(disk);
  return report;
}

}  // namespace

SalvageReport salvage(const std::filesystem::path& store, const std::filesystem::path& target,
                      const std::vector<BodyKey>& body_keys, Clock& clock, Disk& disk,
                      crypto::Random& random, const Progress& progress) {
  try {
    const StoreFiles files(store);
    if (!std::filesystem::exists(files.database) && !std::filesystem::exists(files.wal))
      throw StoreOpenError(exit_unavailable, "there is no store in " + store.string());
    const Lock lock(files.lock);
    return salvage_under_lock(store, target, body_keys, clock, disk, random, progress);
  } catch (const SqliteError& error) {
    throw StoreOpenError(exit_store_failed, std::string("the salvage failed: ") + error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    throw StoreOpenError(exit_store_failed, std::string("the salvage failed: ") + error.what());
  }
}

}  // namespace wxpush::queue
