#pragma once
// The table body_key: which keys seal the bodies of this store, by their marks. The keys themselves
// are the operator's.

#include "handlers/queue/body_cipher.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wxpush::queue {

class BodyKeyTable {
 public:
  explicit BodyKeyTable(Connection& connection);

  std::map<std::string, std::uint32_t> numbers();  // by mark; also of keys that nothing needs

  // These two belong into a transaction.
  // Numbers the key that is to seal, unless it has a number; it is needed from now on.
  void adopt(const std::string& mark, std::int64_t now);
  // No body is sealed with any other key any more.
  void retire_others(std::uint32_t number, std::int64_t now);

  // Marks of keys that bodies may be sealed with and that are not among these.
  std::vector<std::string> missing(const std::vector<BodyKey>& keys);

 private:
  Statement numbers_, needed_, adopt_, retire_;
};

}  // namespace wxpush::queue
