// Reading a table page by page, also one that is damaged.

#include "handlers/queue/table_walk.h"

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace wxpush::queue {
namespace {

std::string make_table(const TempDirectory& directory) {
  std::string file = directory.path() / "table.db";
  Connection table(file, {});
  table.execute("CREATE TABLE t(id INTEGER PRIMARY KEY)");
  table.execute("INSERT INTO t VALUES(1), (2), (3), (5), (8), (13)");
  return file;
}

std::vector<std::int64_t> walk_all(const std::string& file) {
  Connection table(file, {.read_only = true});
  std::vector<std::int64_t> found;
  TableWalk(table, "t", {"id"}, "").all([&](const Rows& row) {
    found.push_back(row.integer(0));
    return found.size() % 2 != 0;  // pages of two rows
  });
  return found;
}

}  // namespace

TEST_CASE("each row once, in the order of the key, however small the pages") {
  const TempDirectory directory;
  CHECK(walk_all(make_table(directory)) == std::vector<std::int64_t>{1, 2, 3, 5, 8, 13});
}

TEST_CASE("rows that a damaged page gives in another order end the walk, not begin it again") {
  const TempDirectory directory;
  const std::string file = make_table(directory);
  constexpr std::streamoff pointers = 4096 + 8;  // of the second page's cells
  std::array<char, 12> cells{};
  {
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekg(pointers).read(cells.data(), cells.size());
    for (std::size_t i = 0; i < 6; i += 2) {
      std::swap(cells.at(i), cells.at(10 - i));
      std::swap(cells.at(i + 1), cells.at(11 - i));
    }
    bytes.seekp(pointers).write(cells.data(), cells.size());
  }
  CHECK_THROWS_AS(walk_all(file), SqliteError);
}

}  // namespace wxpush::queue
