#include "handlers/queue/look_ahead.h"

#include "handlers/queue/body_key_table.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/schema.h"
#include "handlers/queue/sqlite.h"
#include "handlers/queue/store_files.h"

#include <system_error>

namespace wxpush::queue {

bool look_ahead(const std::filesystem::path& directory, const std::vector<BodyKey>& keys) {
  const auto database = StoreFiles(directory).database;
  std::error_code none;
  if (!std::filesystem::exists(database, none)) return false;
  try {
    Connection connection(database.string(), {.read_only = true, .busy_milliseconds = 500});
    const auto newest = schema_steps().size();
    if (static_cast<std::size_t>(recognise_store(connection, newest)) < newest) return false;
    const auto missing = BodyKeyTable(connection).missing(keys);
    if (missing.empty()) return true;
    throw StoreOpenError(exit_unusable, "the store " + directory.string() +
                                            " holds bodies sealed with the key " + missing.front() +
                                            ", which the settings do not name; put it back there");
  } catch (const SqliteError&) {
    return false;  // what it is will show when the store is opened
  }
}

}  // namespace wxpush::queue
