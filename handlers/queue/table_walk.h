#pragma once
// Reads a table in the order of its key, a page at a time and each page in a snapshot of its own,
// so that a long walk pins no log.

#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace wxpush::queue {

class TableWalk {
 public:
  // `key`: its columns, one to three integers; they come first in each row, then `columns`.
  TableWalk(Connection& connection, const std::string& table, const std::vector<std::string>& key,
            const std::string& columns);

  // False from `visit` ends the page early: it read enough bytes. The row counts as visited.
  using Visit = std::function<bool(const Rows& row)>;
  // False: that was the last page. Throws SqliteError; then reached() is the last row that
  // was read. Each row's key is greater than the one before, or it throws, too.
  bool page(const Visit& visit);
  void all(const Visit& visit) {
    while (page(visit)) {
    }
  }
  const std::vector<std::int64_t>& reached() const noexcept { return reached_; }
  void go_on_after(std::int64_t id) { reached_.front() = id; }  // of a key of one column

 private:
  Rows query();
  void advance(const Rows& row);  // Throws SqliteError

  Connection& connection_;
  Statement statement_;
  std::vector<std::int64_t> reached_;
};

}  // namespace wxpush::queue
