// Reader: handlers and their deliveries, the quarantine, repeats, figures.

#include "handlers/queue/handler_table.h"
#include "handlers/queue/hashes.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/store_reader.h"

#include <algorithm>
#include <limits>

namespace wxpush::queue {
namespace {

constexpr std::size_t rows_at_once = 10'000;
constexpr std::uint64_t most_pending = 1'000'000;

}  // namespace

std::vector<HandlerRecord> StoreReader::handlers() {
  const Snapshot snapshot(*connection_);
  return read_handlers(*connection_, meta_.get(meta_key::starts, 0));
}

std::vector<Delivery> StoreReader::deliveries(const StoredEvent& event) {
  const Snapshot snapshot(*connection_);
  std::vector<Delivery> found;
  for (const HandlerRecord& handler : read_handlers(*connection_, meta_.get(meta_key::starts, 0))) {
    const bool asked = asks_for(handler, event.id, event.app, event.type);
    Delivery one = delivery(handler, event);
    if (asked || one.state == DeliveryState::dead) found.push_back(std::move(one));
  }
  return found;
}

Delivery StoreReader::delivery(const HandlerRecord& handler, const StoredEvent& event) {
  Delivery found;
  found.handler = handler.name;
  if (Rows dead = dead_.query(handler.number, event.id); dead.next()) {
    found.state = DeliveryState::dead;
    found.attempts = static_cast<std::uint32_t>(dead.number(0));
    found.last_error = dead.bytes(1);
    if (!dead.is_null(2)) found.last_error += " (given up by an operator)";
    return found;
  }
  if (Rows retry = retry_.query(handler.number, event.id); retry.next()) {
    found.attempts = static_cast<std::uint32_t>(retry.number(0));
    found.last_error = retry.bytes(1);
    found.next_attempt = wall_time(retry.integer(2));
    return found;
  }
  const ShortHash lane = lane_of(event.event_id, event.order_key);
  if (parked_.query(handler.number, lane, event.id).next()) return found;
  if (event.id <= handler.cursor || settled_.query(handler.number, event.id).next())
    found.state = DeliveryState::delivered;
  return found;
}

// Counts what the handler asked for and is not settled: above its cursor, and what is listed below
// it.
StoreReader::Unsettled StoreReader::unsettled(const HandlerRecord& handler, std::uint64_t stop_at,
                                              RowId until) {
  Unsettled found;
  // Parked ones first: one that is offered and fails meanwhile is then counted as a retry, perhaps
  // twice, rather than not at all.
  for (const char* table : {"parked", "retry"}) {
    Statement listed(*connection_, std::string("SELECT count(*), min(id) FROM ") + table +
                                       " WHERE handler = ?1 AND id <= ?2");
    Rows rows = listed.query(handler.number, handler.cursor);
    if (!rows.next() || rows.number(0) == 0) continue;
    found.count += rows.number(0);
    Rows row = find_.query(rows.number(1));
    if (row.next() && (!found.oldest || wall_time(row.integer(7)) < *found.oldest)) {
      found.oldest = wall_time(row.integer(7));
    }
  }
  RowId after = std::max(handler.cursor, handler.first);
  for (bool more = true; more && found.count < stop_at;) {
    more = false;
    for (Rows rows = heads_.query(after, rows_at_once); found.count < stop_at && rows.next();) {
      after = rows.number_above(0, after);
      if (after > until) return found;
      more = true;
      if (!asks_for(handler, after, rows.bytes(1), rows.bytes(2))) continue;
      if (settled_.query(handler.number, after).next()) continue;
      ++found.count;
      if (!found.oldest) found.oldest = wall_time(rows.integer(3));
    }
  }
  return found;
}

std::uint64_t StoreReader::pending(const HandlerRecord& handler) {
  return pending_up_to(handler, std::numeric_limits<RowId>::max());
}

std::uint64_t StoreReader::pending_up_to(const HandlerRecord& handler, RowId until) {
  return std::min(unsettled(handler, most_pending, until).count, most_pending);
}

std::optional<WallTime> StoreReader::oldest_pending(const HandlerRecord& handler) {
  return unsettled(handler, 1, std::numeric_limits<RowId>::max()).oldest;
}

std::vector<QuarantinedPush> StoreReader::quarantined(std::uint64_t after_id) {
  std::vector<QuarantinedPush> found;
  std::size_t bytes = 0;
  Statement page(*connection_,
                 "SELECT id, ring, app, received_at, timestamp, nonce, msg_signature, encrypt "
                 "FROM quarantine WHERE id > ?1 ORDER BY id LIMIT ?2");
  for (Rows rows = page.query(after_id, page_rows); bytes < page_bytes && rows.next();) {
    after_id = rows.number_above(0, after_id);
    found.push_back({.id = after_id,
                     .ring = static_cast<QuarantineRing>(rows.integer(1)),
                     .app = std::string(rows.bytes(2)),
                     .received_at = wall_time(rows.integer(3)),
                     .timestamp = std::string(rows.bytes(4)),
                     .nonce = std::string(rows.bytes(5)),
                     .msg_signature = std::string(rows.bytes(6)),
                     .encrypt = std::string(rows.bytes(7))});
    bytes += found.back().bytes();
  }
  return found;
}

std::vector<Repeat> StoreReader::repeats(std::uint64_t after_sequence) {
  std::vector<Repeat> found;
  Statement page(*connection_,
                 "SELECT sequence, id, event_id, seen, at FROM repeat WHERE sequence > ?1 "
                 "ORDER BY sequence LIMIT ?2");
  for (Rows rows = page.query(after_sequence, page_rows); rows.next();) {
    after_sequence = rows.number_above(0, after_sequence);
    found.push_back({.sequence = after_sequence,
                     .id = rows.number(1),
                     .event_id = rows.event_id(2),
                     .seen = static_cast<std::uint32_t>(rows.number(3)),
                     .at = wall_time(rows.integer(4))});
  }
  return found;
}

std::vector<std::pair<std::string, std::string>> StoreReader::remembered(
    const std::string& name_prefix) {
  std::vector<std::pair<std::string, std::string>> found;  // facts.h bounds them
  Statement all(*connection_, "SELECT name, value FROM fact WHERE name >= ?1 ORDER BY name");
  for (Rows rows = all.query(name_prefix); rows.next();) {
    if (!rows.bytes(0).starts_with(name_prefix)) break;
    found.emplace_back(rows.bytes(0), rows.bytes(1));
  }
  return found;
}

StoreFigures StoreReader::figures() {
  const Snapshot snapshot(*connection_);
  return {.events = static_cast<std::uint64_t>(meta_.get(meta_key::events, 0)),
          .first_id = static_cast<RowId>(connection_->integer("SELECT min(id) FROM event")),
          .last_id = static_cast<RowId>(connection_->integer("SELECT max(id) FROM event")),
          .quarantined =
              static_cast<std::uint64_t>(connection_->integer("SELECT count(*) FROM quarantine")),
          .schema = static_cast<int>(connection_->integer("PRAGMA user_version")),
          .incarnation = static_cast<Incarnation>(meta_.get(meta_key::incarnation, 0))};
}

RowId StoreReader::last_id() {
  return static_cast<RowId>(connection_->integer("SELECT max(id) FROM event"));
}

}  // namespace wxpush::queue
