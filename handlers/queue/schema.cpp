#include "handlers/queue/schema.h"

#include "handlers/queue/queue.h"
#include "handlers/queue/store_files.h"

#include <array>

namespace wxpush::queue {
namespace {

// Version 1. The body comes last, so that reading what stands before it never touches a long body's
// overflow pages. settled, retry, parked and dead are the lanes' (docs/store.md, "Lanes").
constexpr const char* version_1 = R"sql(
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

// Version 2. How often somebody had an event offered to a handler again that was settled for it.
constexpr const char* version_2 = R"sql(
CREATE TABLE replay(
  handler INTEGER NOT NULL, id INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY(handler, id)) WITHOUT ROWID;
)sql";

// Version 3. The keys that bodies are sealed with, by what tells them apart (body_cipher.h). One
// that is retired seals none any more.
constexpr const char* version_3 = R"sql(
CREATE TABLE body_key(
  number INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
  retired_at INTEGER);
)sql";

// Version 4. Nothing that SQL sees: pages of a store that was made with it carry checksums
// (page_checksum.h), which an older program would not keep up.
constexpr const char* version_4 = "";

constexpr std::array<const char*, 4> all_steps{version_1, version_2, version_3, version_4};

}  // namespace

SchemaSteps schema_steps() noexcept {
  return all_steps;
}

int recognise_store(Connection& connection, std::size_t newest) {
  const std::int64_t application = connection.integer("PRAGMA application_id");
  const std::int64_t version = connection.integer("PRAGMA user_version");
  const std::int64_t tables = connection.integer("SELECT count(*) FROM sqlite_schema");
  if (application == 0 && version == 0 && tables == 0) return 0;
  if (application != store_application_id) {
    throw StoreOpenError(exit_unusable, "the database there is not a wxpush store");
  }
  if (version < 0) {
    throw StoreOpenError(exit_unusable, "the store's schema version, " + std::to_string(version) +
                                            ", is none: the file is damaged (wxpush store check)");
  }
  if (version > static_cast<std::int64_t>(newest)) {
    throw StoreOpenError(exit_unusable, "the store has schema version " + std::to_string(version) +
                                            ", this program knows versions up to " +
                                            std::to_string(newest) + "; use a newer program");
  }
  return static_cast<int>(version);
}

void bring_up_to_date(Connection& connection, int version, SchemaSteps steps) {
  if (version == 0) {
    connection.execute("PRAGMA application_id = " + std::to_string(store_application_id));
  }
  if (static_cast<std::size_t>(version) == steps.size()) return;
  connection.execute("PRAGMA user_version = " + std::to_string(steps.size()));
  for (const char* step : steps.subspan(static_cast<std::size_t>(version))) {
    connection.execute(step);
  }
}

std::string known_table(std::uint32_t generation) {
  return "known_" + std::to_string(generation);
}
std::string orders_table(std::uint32_t generation) {
  return "orders_" + std::to_string(generation);
}

void create_generation_tables(Connection& connection, std::uint32_t generation) {
  constexpr const char* columns =
      "(hash INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY(hash, id)) WITHOUT ROWID";
  connection.execute("CREATE TABLE " + known_table(generation) + columns);
  connection.execute("CREATE TABLE " + orders_table(generation) + columns);
}

}  // namespace wxpush::queue
