#pragma once
// The tables of a store and their versions. A schema is the list of scripts that make it: script n
// leads from version n to n + 1, so a new store and an old one take the same way. PRAGMA
// user_version holds the version.

#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <span>
#include <string>

namespace wxpush::queue {

using SchemaSteps = std::span<const char* const>;
SchemaSteps schema_steps() noexcept;

// Whose file is this? Throws StoreOpenError 78 if it is not a store, of a schema newer than
// `newest` (both versions named), or of one that cannot be. Answers its version; 0 = a fresh file.
// Changes nothing.
int recognise_store(Connection& connection, std::size_t newest);
// Inside the caller's transaction: runs the steps from `version` on.
void bring_up_to_date(Connection& connection, int version, SchemaSteps steps);

// Two tables per generation N of the filed index (generations.h): known_N (event id hash → id) and
// orders_N (order hash → id).
std::string known_table(std::uint32_t generation);
std::string orders_table(std::uint32_t generation);
void create_generation_tables(Connection& connection, std::uint32_t generation);

}  // namespace wxpush::queue
