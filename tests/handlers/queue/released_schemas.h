#pragma once
// The schemas as they were released, word for word: stores like these lie on people's disks. What
// is here is never changed; a new version is added when the next one is begun.

namespace wxpush::queue {

constexpr const char* released_version_1 = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE event(
  id INTEGER PRIMARY KEY, event_id BLOB NOT NULL, app TEXT NOT NULL, appid TEXT NOT NULL,
  type TEXT NOT NULL, order_key TEXT NOT NULL, order_hash INTEGER NOT NULL, kind INTEGER NOT NULL,
  received_at INTEGER NOT NULL, event_time INTEGER, codec INTEGER NOT NULL,
  key_number INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE erased(id INTEGER PRIMARY KEY, event_id BLOB NOT NULL, received_at INTEGER NOT NULL);
CREATE TABLE generation(
  number INTEGER PRIMARY KEY, state INTEGER NOT NULL, first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL, oldest_received_at INTEGER NOT NULL,
  newest_received_at INTEGER NOT NULL, ids INTEGER NOT NULL);
CREATE TABLE repeat(
  sequence INTEGER PRIMARY KEY, id INTEGER NOT NULL, event_id BLOB NOT NULL,
  seen INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE quarantine(
  id INTEGER PRIMARY KEY, ring INTEGER NOT NULL, app TEXT NOT NULL, received_at INTEGER NOT NULL,
  timestamp TEXT NOT NULL, nonce TEXT NOT NULL, msg_signature TEXT NOT NULL,
  encrypt BLOB NOT NULL);
CREATE TABLE handler(
  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, apps TEXT NOT NULL, events TEXT NOT NULL,
  first INTEGER NOT NULL, cursor INTEGER NOT NULL, created_at INTEGER NOT NULL,
  last_registered_start INTEGER NOT NULL);
CREATE TABLE fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE settled(
  handler INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(handler, id)) WITHOUT ROWID;
CREATE TABLE retry(
  handler INTEGER NOT NULL, id INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,
  error TEXT NOT NULL, lane INTEGER NOT NULL, counted INTEGER NOT NULL, tried_for INTEGER NOT NULL,
  PRIMARY KEY(handler, id)) WITHOUT ROWID;
CREATE TABLE parked(
  handler INTEGER NOT NULL, lane INTEGER NOT NULL, id INTEGER NOT NULL,
  PRIMARY KEY(handler, lane, id)) WITHOUT ROWID;
CREATE TABLE dead(
  handler INTEGER NOT NULL, id INTEGER NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL,
  died_at INTEGER NOT NULL, discarded_at INTEGER, PRIMARY KEY(handler, id)) WITHOUT ROWID;
)sql";

constexpr const char* released_version_2 = R"sql(
CREATE TABLE replay(
  handler INTEGER NOT NULL, id INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY(handler, id)) WITHOUT ROWID;
)sql";

constexpr const char* released_version_3 = R"sql(
CREATE TABLE body_key(
  number INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
  retired_at INTEGER);
)sql";

}  // namespace wxpush::queue
