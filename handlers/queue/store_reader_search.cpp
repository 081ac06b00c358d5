// Reader: by event id, and the filed index.

#include "handlers/queue/hashes.h"
#include "handlers/queue/schema.h"
#include "handlers/queue/store_reader.h"

#include <algorithm>

namespace wxpush::queue {
namespace {

constexpr std::size_t shortest_prefix = 8;
constexpr std::size_t rows_at_once = 10'000;
constexpr std::string_view digits = "0123456789abcdef";

// Lower-case digits, or nothing if it is no prefix.
std::string normalised(const std::string& hex) {
  if (hex.size() < shortest_prefix || hex.size() > 64) return {};
  std::string prefix = hex;
  for (char& c : prefix) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (digits.find(c) == std::string_view::npos) return {};
  }
  return prefix;
}

bool starts_with(const event::EventId& id, const std::string& prefix) {
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    const unsigned byte = id.bytes[i / 2];
    if (digits[i % 2 == 0 ? byte >> 4 : byte & 15U] != prefix[i]) return false;
  }
  return true;
}

// The smallest or largest short hash of an id that begins so. Both have the same sign: the first
// digit is given.
ShortHash bound(const std::string& prefix, std::uint64_t filler) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    value = value << 4 | (i < prefix.size() ? digits.find(prefix[i]) : filler);
  }
  return static_cast<ShortHash>(value);
}

}  // namespace

std::vector<RowId> StoreReader::filed_with(std::int64_t low, std::int64_t high) {
  std::vector<RowId> ids;
  for (const FiledIndex::Generation& generation : filed_.generations(filed_.through())) {
    Statement range(*connection_, "SELECT id FROM " + known_table(generation.number) +
                                      " WHERE hash BETWEEN ?1 AND ?2 LIMIT ?3");
    for (Rows rows = range.query(low, high, rows_at_once); rows.next();) {
      ids.push_back(rows.number(0));
    }
  }
  return ids;
}

std::vector<RowId> StoreReader::find_by_event_id(const std::string& hex_prefix) {
  const std::string prefix = normalised(hex_prefix);
  std::vector<RowId> found;
  if (prefix.empty()) return found;
  const auto take = [&](RowId id) {
    if (found.size() < 2 && std::find(found.begin(), found.end(), id) == found.end()) {
      found.push_back(id);
    }
  };
  RowId after = 0;
  {
    const Snapshot snapshot(*connection_);
    after = filed_.through();
    for (const RowId id : filed_with(bound(prefix, 0), bound(prefix, 15))) {
      Rows rows = find_.query(id);
      if (rows.next() && starts_with(rows.event_id(1), prefix)) take(id);
    }
  }
  for (bool more = true; more && found.size() < 2;) {
    more = false;
    for (Rows rows = event_ids_.query(after, rows_at_once); rows.next();) {
      more = true;
      after = rows.number_above(0, after);
      if (starts_with(rows.event_id(1), prefix)) take(after);
    }
  }
  return found;
}

}  // namespace wxpush::queue
