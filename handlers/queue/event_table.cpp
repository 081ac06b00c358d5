#include "handlers/queue/event_table.h"

#include "handlers/queue/store_files.h"

namespace wxpush::queue {

EventTable::EventTable(Connection& connection, const BodyCipher& bodies)
    : bodies_(bodies),
      insert_(connection,
              "INSERT INTO event(id, event_id, app, appid, type, order_key, order_hash, kind, "
              "received_at, event_time, codec, key_number, body) "
              "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"),
      erase_(connection, "DELETE FROM event WHERE id = ?1"),
      leave_(connection, "INSERT INTO erased(id, event_id, received_at) VALUES(?1, ?2, ?3)"),
      forget_(connection, "DELETE FROM erased WHERE id = ?1"),
      event_id_(connection, "SELECT event_id FROM event WHERE id = ?1"),
      left_id_(connection, "SELECT event_id FROM erased WHERE id = ?1"),
      any_event_(connection, "SELECT 1 FROM event WHERE id BETWEEN ?1 AND ?2 LIMIT 1"),
      any_left_(connection, "SELECT 1 FROM erased WHERE id BETWEEN ?1 AND ?2 LIMIT 1"),
      heads_(connection,
             "SELECT id, event_id, received_at, app, type, order_hash FROM event WHERE id > ?1 "
             "ORDER BY id LIMIT ?2"),
      left_ids_(connection,
                "SELECT id, event_id, received_at FROM erased WHERE id > ?1 "
                "ORDER BY id LIMIT ?2"),
      bodies_after_(connection,
                    "SELECT id, event_id, appid, codec, key_number, body FROM event WHERE id > ?1 "
                    "ORDER BY id LIMIT ?2"),
      set_body_(connection,
                "UPDATE event SET codec = ?2, key_number = ?3, body = ?4 WHERE id = ?1") {}

void EventTable::insert(RowId id, const NewEvent& event) {
  insert_as_it_is(id, event, bodies_.seal(event.appid, event.event_id, event.body, sealed_));
}

void EventTable::insert_as_it_is(RowId id, const NewEvent& event, const StoredBody& body) {
  insert_.run(id, blob(event.event_id), event.app, event.appid, event.type, event.order_key,
              order_hash(event.order_key), static_cast<int>(event.kind), stored(event.received_at),
              stored(event.event_time), body.codec, body.key_number, Blob{body.bytes});
}

void EventTable::erase(RowId id) {
  erase_.run(id);
}

void EventTable::leave_id(RowId id, const event::EventId& event_id, std::int64_t received_at) {
  leave_.run(id, blob(event_id), received_at);
}

void EventTable::forget_id(RowId id) {
  forget_.run(id);
}

std::optional<event::EventId> EventTable::id_of(RowId id) {
  for (Statement* statement : {&event_id_, &left_id_}) {
    Rows rows = statement->query(id);
    if (rows.next()) return rows.event_id(0);
  }
  return std::nullopt;
}

bool EventTable::any_between(RowId first, RowId last) {
  for (Statement* statement : {&any_event_, &any_left_}) {
    Rows rows = statement->query(first, last);
    if (rows.next()) return true;
  }
  return false;
}

std::vector<EventTable::Head> EventTable::heads(RowId after, std::size_t limit) {
  std::vector<Head> found;
  for (Rows rows = heads_.query(after, limit); rows.next();) {
    after = rows.number_above(0, after);
    found.push_back({.id = after,
                     .event_id = rows.event_id(1),
                     .app = std::string(rows.bytes(3)),
                     .type = std::string(rows.bytes(4)),
                     .received_at = rows.integer(2),
                     .lane = rows.integer(5)});
    if (found.back().lane == 0) found.back().lane = short_hash(found.back().event_id);
  }
  return found;
}

std::optional<EventTable::Head> EventTable::head(RowId id) {
  if (id == 0) return std::nullopt;
  std::vector<Head> found = heads(id - 1, 1);
  if (found.empty() || found.front().id != id) return std::nullopt;
  return std::move(found.front());
}

std::vector<EventTable::Head> EventTable::left_ids(RowId after, std::size_t limit) {
  std::vector<Head> found;
  for (Rows rows = left_ids_.query(after, limit); rows.next();) {
    after = rows.number_above(0, after);
    found.push_back({.id = after,
                     .event_id = rows.event_id(1),
                     .app = {},
                     .type = {},
                     .received_at = rows.integer(2)});
  }
  return found;
}

EventTable::Bodies EventTable::sealed_otherwise(RowId after, std::size_t rows, std::size_t bytes) {
  Bodies bodies;
  bodies.looked_through = after;
  std::size_t looked = 0;
  std::size_t size = 0;
  for (Rows row = bodies_after_.query(after, rows); size < bytes; ++looked) {
    if (!row.next()) {
      bodies.end = looked < rows;
      break;
    }
    bodies.looked_through = row.number_above(0, bodies.looked_through);
    const auto key_number = static_cast<std::uint32_t>(row.number(4));
    if (key_number == bodies_.sealing_key()) continue;
    Body body{.id = bodies.looked_through,
              .appid = std::string(row.bytes(2)),
              .event_id = row.event_id(1),
              .body = {}};
    try {
      body.body =
          bodies_.open(body.appid, body.event_id,
                       {.codec = row.integer(3), .key_number = key_number, .bytes = row.bytes(5)});
    } catch (const BodyError& error) {
      bodies.damaged.emplace_back(body.id, error.what());
      continue;
    }
    size += body.body.size();
    bodies.found.push_back(std::move(body));
  }
  return bodies;
}

void EventTable::seal_anew(const Body& body) {
  const StoredBody sealed = bodies_.seal(body.appid, body.event_id, body.body, sealed_);
  set_body_.run(body.id, sealed.codec, sealed.key_number, Blob{sealed.bytes});
}

}  // namespace wxpush::queue
