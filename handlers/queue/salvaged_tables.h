#pragma once
// Parts of a salvage (store_salvage.h): what is not an event, read from the copy of the damaged
// store with SQLite, table by table, each whole or not at all.

#include "handlers/queue/hashes.h"
#include "handlers/queue/sqlite.h"
#include "handlers/queue/store_salvage.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wxpush::queue {

class SalvagedTables {
 public:
  // `connection`: of the new store.
  SalvagedTables(Connection& connection, SalvageReport& report)
      : connection_(connection), report_(report) {}

  void attach(const std::filesystem::path& damaged);
  // After the events. Where the lists of a handler cannot be read, it goes back to where it began:
  // events come again rather than not at all.
  // `marks`: of the keys of bodies by their numbers, as far as the bodies have told.
  void copy(const std::map<std::uint32_t, std::string>& marks);
  void detach();

 private:
  bool copy_table(const std::string& table, const std::string& which = "1");
  void copy_meta();
  void copy_body_keys(const std::map<std::uint32_t, std::string>& marks);
  void copy_lanes();
  void drop_listed_without_event();

  Connection& connection_;
  SalvageReport& report_;
  bool attached_ = false;
};

struct FiledId {
  RowId id = 0;
  ShortHash hash = 0, order = 0;
  std::int64_t received_at = 0;
};
// The filed index over all of them, as it grows while a store is in use; sets filed_through.
void file_anew(Connection& connection, std::vector<FiledId>& ids);

}  // namespace wxpush::queue
