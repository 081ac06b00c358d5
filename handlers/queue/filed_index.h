#pragma once
// The filed index (generations.h) as a reader sees it: which generations there are, with a
// statement that is kept for each, since preparing one costs more than running it. Used inside a
// Snapshot, and true for that one.

#include "handlers/queue/event_record.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace wxpush::queue {

class FiledIndex {
 public:
  struct Generation {
    std::uint32_t number = 0;
    RowId first = 0, last = 0;
    Statement of_order;  // ids by ?1 = hash, ?2 < id <= ?3, in order
  };

  // Both outlive it.
  FiledIndex(Connection& connection, Meta& meta);
  RowId through();  // events up to this are in a generation
  // The oldest first; valid until the next call. `through`: as through() says now.
  std::vector<Generation>& generations(RowId through);

 private:
  // What a list of generations is true for: tables come and go with the schema's version, and what
  // a generation covers grows with what is filed.
  struct State {
    std::int64_t schema = 0;
    RowId through = 0;
    bool operator==(const State&) const = default;
  };
  std::vector<Generation> read();

  Connection& connection_;
  Meta& meta_;
  Statement schema_version_, all_;
  std::optional<State> state_;
  std::vector<Generation> generations_;
};

}  // namespace wxpush::queue
