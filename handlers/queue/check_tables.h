#pragma once
// Parts of a check (store_check.h).

#include "handlers/queue/hashes.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/sqlite.h"
#include "handlers/queue/store_check.h"

#include <string_view>
#include <vector>

namespace wxpush::queue {

// Counts all, keeps the first ones.
class FindingList {
 public:
  explicit FindingList(CheckReport& report) : report_(report) {}
  void add(Finding finding);
  std::uint64_t count(std::string_view kind) const;  // among those kept

 private:
  CheckReport& report_;
};

// The filed index as it must be: each event up to filed_through is in a generation.
class FiledTables {
 public:
  FiledTables(Connection& connection, Meta& meta);
  void look(RowId id, ShortHash hash, ShortHash order, FindingList& found);
  void look_at_counts(FindingList& found);

 private:
  struct Generation {
    std::uint32_t number = 0;
    RowId first = 0, last = 0;
    std::int64_t ids = 0;
    Statement known, order;
    bool readable = true;
  };
  bool has(Generation& generation, Statement& table, ShortHash hash, RowId id, FindingList& found);

  Connection& connection_;
  RowId through_;
  std::vector<Generation> generations_;
};

// Every row of every other table can be read, and what is listed for a handler is an event.
void check_tables(Connection& connection, const Progress& progress, FindingList& found);
// SQLite's own check, of everything at once: it pins the log.
void check_structure(Connection& connection, FindingList& found);

}  // namespace wxpush::queue
