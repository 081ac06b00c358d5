// Reader: opening, and reading events.

#include "handlers/queue/store_reader.h"

#include "handlers/event/message.h"
#include "handlers/queue/body_key_table.h"
#include "handlers/queue/hashes.h"
#include "handlers/queue/lock.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/read_connection.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/wal_file.h"

#include <algorithm>
#include <limits>

namespace wxpush::queue {
namespace {

constexpr std::size_t scan_rows = 10'000;  // looked at by one call, at most

// Column order of scan_ and find_; the body last.
constexpr const char* columns =
    "id, event_id, app, appid, type, order_key, kind, received_at, event_time, codec, "
    "key_number, body";

StoredEvent read_head(const Rows& row) {
  StoredEvent event;
  event.id = row.number(0);
  event.event_id = row.event_id(1);
  event.app = row.bytes(2);
  event.appid = row.bytes(3);
  event.type = row.bytes(4);
  event.order_key = row.bytes(5);
  event.kind = static_cast<event::ContentKind>(row.integer(6));
  event.received_at = wall_time(row.integer(7));
  if (!row.is_null(8)) event.event_time = wall_time(row.integer(8));
  return event;
}

bool matches(const EventFilter& filter, const Rows& row) {
  const WallTime received = wall_time(row.integer(7));
  return (filter.app.empty() || filter.app == row.bytes(2)) &&
         (filter.type.empty() || event::matches_type(filter.type, row.bytes(4))) &&
         (filter.order_key.empty() || filter.order_key == row.bytes(5)) &&
         (!filter.since || received >= *filter.since) &&
         (!filter.before || received < *filter.before);
}

std::size_t bytes_in(const Reader::Page& page) {
  std::size_t bytes = 0;
  for (const StoredEvent& event : page.events) bytes += event.body.size();
  return bytes;
}

}  // namespace

std::unique_ptr<Reader> Reader::open(const std::filesystem::path& directory,
                                     const std::vector<BodyKey>& body_keys) {
  if (!is_served(directory)) refuse_damaged_log(StoreFiles(directory));
  return open_reader(directory, body_keys, {});
}

std::unique_ptr<Reader> open_reader(const std::filesystem::path& directory,
                                    const std::vector<BodyKey>& body_keys, OrderMemory memory) {
  try {
    return std::make_unique<StoreReader>(connect_to_read(directory), body_keys, std::move(memory));
  } catch (const SqliteError& error) {
    refuse_to_read(error, directory);
  }
}

StoreReader::StoreReader(std::shared_ptr<Connection> connection,
                         const std::vector<BodyKey>& body_keys, OrderMemory memory)
    : connection_(std::move(connection)),
      memory_(std::move(memory)),
      bodies_(body_keys, BodyKeyTable(*connection_).numbers(), nullptr),
      meta_(*connection_),
      filed_(*connection_, meta_),
      scan_(*connection_, std::string("SELECT ") + columns +
                              " FROM event WHERE id > ?1 AND id <= ?2 ORDER BY id"),
      find_(*connection_, std::string("SELECT ") + columns + " FROM event WHERE id = ?1"),
      heads_(*connection_,
             "SELECT id, app, type, received_at FROM event WHERE id > ?1 ORDER BY id LIMIT ?2"),
      event_ids_(*connection_, "SELECT id, event_id FROM event WHERE id > ?1 ORDER BY id LIMIT ?2"),
      dead_(*connection_,
            "SELECT attempts, error, discarded_at FROM dead WHERE handler = ?1 AND id = ?2"),
      retry_(*connection_, "SELECT attempts, error, due FROM retry WHERE handler = ?1 AND id = ?2"),
      settled_(*connection_, "SELECT 1 FROM settled WHERE handler = ?1 AND id = ?2"),
      parked_(*connection_, "SELECT 1 FROM parked WHERE handler = ?1 AND lane = ?2 AND id = ?3") {}

StoredEvent StoreReader::read_row(const Rows& row) const {
  StoredEvent event = read_head(row);
  const StoredBody body{.codec = row.integer(9),
                        .key_number = static_cast<std::uint32_t>(row.number(10)),
                        .bytes = row.bytes(11)};
  try {
    event.body = bodies_.open(event.appid, event.event_id, body);
  } catch (const BodyError& error) {
    throw BodyError(error.exit_code(), "event " + std::to_string(event.id) + ' ' + error.what());
  }
  return event;
}

Reader::Page StoreReader::events(const EventFilter& filter, std::size_t limit) {
  Page page;
  page.next_after = filter.after;
  limit = std::clamp<std::size_t>(limit, 1, page_rows);
  if (filter.order_key.empty()) {
    scan(filter, limit, filter.after, page);
    return page;
  }
  while (!try_order(filter, limit, page)) {
    page = {};
    page.next_after = filter.after;
    if (connection_->in_transaction()) {  // a caller's view: let it see what is there now
      end_view();
      begin_view();
    }
  }
  return page;
}

// False: a run was filed in between, and the snapshot is too old to see it.
bool StoreReader::try_order(const EventFilter& filter, std::size_t limit, Page& page) {
  const Snapshot snapshot(*connection_);  // or a run that is filed meanwhile would be seen nowhere
  const RowId filed = filed_.through();
  if (!filed_of_order(filter, limit, filed, page)) return true;
  if (memory_.recent == nullptr) {
    scan(filter, limit, std::max(filter.after, filed), page);
    return true;
  }
  const RowId until = filter.until != 0 ? filter.until : std::numeric_limits<RowId>::max();
  const auto ids = memory_.recent->find(order_hash(filter.order_key), filed,
                                        std::max(filter.after, filed), until);
  if (!ids) return false;
  std::size_t bytes = bytes_in(page);
  for (const RowId id : *ids) {
    if (page.events.size() == limit || bytes >= page_bytes) return true;
    page.next_after = id;
    Rows row = find_.query(id);
    if (!row.next() || !matches(filter, row)) continue;
    page.events.push_back(read_row(row));
    bytes += page.events.back().body.size();
  }
  page.end = true;
  return true;
}

// Appends to the page what lies above `after`, until the page or the bound on looking is full.
void StoreReader::scan(const EventFilter& filter, std::size_t limit, RowId after, Page& page) {
  const auto until = filter.until != 0 ? static_cast<std::int64_t>(filter.until)
                                       : std::numeric_limits<std::int64_t>::max();
  std::size_t bytes = bytes_in(page);
  std::size_t looked = 0;
  for (Rows rows = scan_.query(after, until); rows.next();) {
    if (page.events.size() == limit || bytes >= page_bytes || looked == scan_rows) return;
    ++looked;
    page.next_after = rows.number_above(0, page.next_after);
    if (!matches(filter, rows)) continue;
    page.events.push_back(read_row(rows));
    bytes += page.events.back().body.size();
  }
  page.end = true;
}

std::optional<StoredEvent> StoreReader::find(RowId id) {
  Rows rows = find_.query(id);
  if (!rows.next()) return std::nullopt;
  return read_row(rows);
}

// The filed events of one order, up to `through`. False: the page is full, or enough was looked at.
bool StoreReader::filed_of_order(const EventFilter& filter, std::size_t limit, RowId through,
                                 Page& page) {
  const RowId until = filter.until != 0 ? std::min(filter.until, through) : through;
  std::size_t bytes = 0;
  std::size_t looked = 0;
  const ShortHash hash = order_hash(filter.order_key);
  for (FiledIndex::Generation& generation : filed_.generations(through)) {
    const RowId last = std::min(generation.last, until);
    if (last <= page.next_after) continue;
    if (memory_.filed && !memory_.filed->perhaps(generation.number, hash)) continue;
    for (Rows rows = generation.of_order.query(hash, page.next_after, last); rows.next();) {
      if (page.events.size() == limit || bytes >= page_bytes || looked++ == scan_rows) return false;
      page.next_after = rows.number_above(0, page.next_after);
      Rows row = find_.query(page.next_after);
      if (!row.next() || !matches(filter, row)) continue;  // erased, or another order's
      page.events.push_back(read_row(row));
      bytes += page.events.back().body.size();
    }
  }
  return true;
}

}  // namespace wxpush::queue
