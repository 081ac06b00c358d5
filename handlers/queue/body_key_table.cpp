#include "handlers/queue/body_key_table.h"

#include <algorithm>

namespace wxpush::queue {

BodyKeyTable::BodyKeyTable(Connection& connection)
    : numbers_(connection, "SELECT mark, number FROM body_key"),
      needed_(connection, "SELECT mark FROM body_key WHERE retired_at IS NULL ORDER BY number"),
      adopt_(connection,
             "INSERT INTO body_key(mark, created_at) VALUES(?1, ?2) "
             "ON CONFLICT(mark) DO UPDATE SET retired_at = NULL"),
      retire_(connection,
              "UPDATE body_key SET retired_at = ?2 WHERE number <> ?1 AND retired_at IS NULL") {}

std::map<std::string, std::uint32_t> BodyKeyTable::numbers() {
  std::map<std::string, std::uint32_t> found;
  for (Rows rows = numbers_.query(); rows.next();) {
    found.emplace(std::string(rows.bytes(0)), static_cast<std::uint32_t>(rows.number(1)));
  }
  return found;
}

void BodyKeyTable::adopt(const std::string& mark, std::int64_t now) {
  adopt_.run(mark, now);
}

void BodyKeyTable::retire_others(std::uint32_t number, std::int64_t now) {
  retire_.run(number, now);
}

std::vector<std::string> BodyKeyTable::missing(const std::vector<BodyKey>& keys) {
  std::vector<std::string> found;
  for (Rows rows = needed_.query(); rows.next();) {
    const std::string mark(rows.bytes(0));
    if (std::ranges::find(keys, mark, &BodyKey::mark) == keys.end()) found.push_back(mark);
  }
  return found;
}

}  // namespace wxpush::queue
