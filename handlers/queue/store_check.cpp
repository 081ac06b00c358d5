// The order of a check, and the events. The other tables: check_tables.cpp.

#include "handlers/queue/store_check.h"

#include "handlers/queue/body_key_table.h"
#include "handlers/queue/check_tables.h"
#include "handlers/queue/hashes.h"
#include "handlers/queue/lock.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/read_connection.h"
#include "handlers/queue/reader.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/table_walk.h"
#include "handlers/queue/wal_file.h"

#include <algorithm>

namespace wxpush::queue {
namespace {

constexpr const char* event_columns =
    "event_id, appid, order_key, order_hash, codec, key_number, body";

// One pass over the events.
class EventCheck {
 public:
  EventCheck(Connection& connection, const std::vector<BodyKey>& body_keys, FiledTables* filed,
             FindingList& found, CheckReport& report)
      : connection_(connection),
        bodies_(body_keys, BodyKeyTable(connection).numbers(), nullptr),
        filed_(filed),
        found_(found),
        report_(report) {}

  void run(RowId next_id, const Progress& progress) {
    TableWalk walk(connection_, "event", {"id"}, event_columns);
    for (bool more = true; more;) {
      bytes_ = 0;
      try {
        more = walk.page([&](const Rows& row) { return look(row); });
      } catch (const SqliteError& error) {
        more = pass_over(walk, next_id, error);
      }
      progress("events", static_cast<std::uint64_t>(std::max<std::int64_t>(walk.reached()[0], 0)),
               next_id);
    }
    look_for_twins();
  }

 private:
  bool look(const Rows& row) {
    const RowId id = row.number(0);
    const event::EventId event_id = row.event_id(1);
    const StoredBody body{.codec = row.integer(5),
                          .key_number = static_cast<std::uint32_t>(row.number(6)),
                          .bytes = row.bytes(7)};
    ++report_.events;
    report_.bytes += body.bytes.size();
    report_.last_id = std::max(report_.last_id, id);
    look_at_body(id, event_id, row.bytes(2), body);
    if (order_hash(row.bytes(3)) != row.integer(4)) {
      found_.add({"order", "the event's order_key is not what its hash says", id, event_id});
    }
    if (filed_ != nullptr) filed_->look(id, short_hash(event_id), row.integer(4), found_);
    ids_.emplace_back(short_hash(event_id), id);
    bytes_ += body.bytes.size();
    return bytes_ < page_bytes;
  }

  void look_at_body(RowId id, const event::EventId& event_id, std::string_view appid,
                    const StoredBody& body) {
    const char* const damaged = "the event's body or appid is not what was stored: ";
    try {
      const std::string message = bodies_.open(appid, event_id, body);
      if (event::make_event_id(appid, message) != event_id)
        found_.add({"body", std::string(damaged) + "SHA-256 differs", id, event_id});
    } catch (const BodyError& error) {
      if (error.exit_code() != exit_store_failed) {
        ++report_.sealed;
      } else {
        found_.add({"body", std::string(damaged) + "it does not open", id, event_id});
      }
    }
  }

  // False: nothing beyond can be read.
  bool pass_over(TableWalk& walk, RowId next_id, const SqliteError& error) {
    const RowId after =
        std::max(passed_, static_cast<RowId>(std::max<std::int64_t>(walk.reached()[0], 0)));
    const std::optional<RowId> next = next_readable(after, next_id);
    found_.add({"unreadable",
                "events " + std::to_string(after + 1) + " to " +
                    (next ? std::to_string(*next - 1) : "the end") +
                    ", as far as there are any: " + error.what(),
                after + 1});
    // One that can be read after all is passed over: the walk has to go on.
    if (!next) return false;
    passed_ = std::max(*next - 1, after + 1);
    walk.go_on_after(static_cast<std::int64_t>(passed_));
    return true;
  }

  bool readable_from(RowId id, std::optional<RowId>& found) {
    try {
      Statement first(connection_, "SELECT id, body FROM event WHERE id >= ?1 ORDER BY id LIMIT 1");
      Rows rows = first.query(id);
      found = rows.next() ? std::optional(rows.number(0)) : std::nullopt;
      return !found || *found >= id;  // a damaged tree may answer with any other row, for ever
    } catch (const SqliteError&) {
      return false;
    }
  }

  // The first event behind what cannot be read: by leaps, then by halves.
  std::optional<RowId> next_readable(RowId after, RowId next_id) {
    std::optional<RowId> found;
    RowId low = after + 1;
    RowId high = low;
    for (RowId leap = 1;; leap *= 2) {
      high = after + 1 + leap;
      if (readable_from(high, found)) break;
      if (high > next_id) return std::nullopt;
      low = high;
    }
    while (high - low > 1) {
      const RowId middle = low + (high - low) / 2;
      std::optional<RowId> nearer;
      if (readable_from(middle, nearer)) {
        high = middle;
        found = nearer;
      } else {
        low = middle;
      }
    }
    return found;
  }

  void look_for_twins() {
    std::sort(ids_.begin(), ids_.end());
    Statement event_id(connection_, "SELECT event_id FROM event WHERE id = ?1");
    const auto read = [&](RowId id) {
      Rows rows = event_id.query(id);
      return rows.next() ? std::optional(rows.event_id(0)) : std::nullopt;
    };
    for (std::size_t i = 1; i < ids_.size(); ++i) {
      if (ids_[i].first != ids_[i - 1].first) continue;
      const auto one = read(ids_[i - 1].second);
      if (one && one == read(ids_[i].second)) {
        found_.add({"twice", "the event is stored a second time", ids_[i].second, one});
      }
    }
  }

  Connection& connection_;
  BodyCipher bodies_;
  FiledTables* filed_;
  FindingList& found_;
  CheckReport& report_;
  std::vector<std::pair<ShortHash, RowId>> ids_;
  std::size_t bytes_ = 0;  // of this page
  RowId passed_ = 0;       // up to here nothing is read again
};

void compare_totals(Meta& meta, const CheckReport& report, FindingList& found) {
  const auto counted = static_cast<std::uint64_t>(meta.get(meta_key::events, 0));
  if (counted != report.events) {
    found.add({"counter", std::to_string(report.events) + " events were read, " +
                              std::to_string(counted) + " are counted in meta"});
  }
  const auto next_id = static_cast<RowId>(meta.get(meta_key::next_id, 1));
  if (next_id <= report.last_id) {
    found.add({"counter", "the next id is " + std::to_string(next_id) + ", and that is used",
               report.last_id});
  }
}

void look_inside(Connection& connection, const std::vector<BodyKey>& body_keys,
                 const Progress& progress, FindingList& found, CheckReport& report) {
  Meta meta(connection);
  report.schema = static_cast<int>(connection.integer("PRAGMA user_version"));
  report.incarnation = static_cast<Incarnation>(meta.get(meta_key::incarnation, 0));
  const auto next_id = static_cast<RowId>(meta.get(meta_key::next_id, 1));
  const std::int64_t version = connection.integer("PRAGMA data_version");
  std::optional<FiledTables> filed;
  if (!report.served) filed.emplace(connection, meta);
  EventCheck(connection, body_keys, filed ? &*filed : nullptr, found, report)
      .run(next_id, progress);
  check_tables(connection, progress, found);
  if (filed) filed->look_at_counts(found);
  if (report.served || connection.integer("PRAGMA data_version") != version) return;
  const bool all_was_read = found.count("unreadable") == 0;
  if (all_was_read) compare_totals(meta, report, found);
  progress("structure", 0, 0);
  check_structure(connection, found);
}

}  // namespace

CheckReport check_store(const std::filesystem::path& directory,
                        const std::vector<BodyKey>& body_keys, const Progress& progress) {
  CheckReport report;
  FindingList found(report);
  report.served = is_served(directory);
  if (!report.served) {
    const LogVerdict log = inspect_log(StoreFiles(directory));
    if (log.damaged) found.add({"log", log.what});
    if (log.alone) return report;
  }
  try {
    const std::shared_ptr<Connection> connection = connect_to_read(directory);
    report.checksums = reserved_page_bytes(*connection) > 0;
    look_inside(*connection, body_keys, progress, found, report);
  } catch (const SqliteError& error) {
    found.add({"database", error.what()});
  } catch (const StoreOpenError& error) {
    // Without its log it may look like no store at all.
    if (error.exit_code() != exit_store_failed && report.whole()) throw;
    found.add({"database", error.what()});
  }
  return report;
}

}  // namespace wxpush::queue
