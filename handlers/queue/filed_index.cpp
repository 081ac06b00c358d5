#include "handlers/queue/filed_index.h"

#include "handlers/queue/schema.h"

#include <algorithm>
#include <utility>

namespace wxpush::queue {

FiledIndex::FiledIndex(Connection& connection, Meta& meta)
    : connection_(connection),
      meta_(meta),
      schema_version_(connection, "PRAGMA schema_version"),
      all_(connection,
           "SELECT number, first_id, last_id FROM generation WHERE state = 0 ORDER BY number") {}

RowId FiledIndex::through() {
  return static_cast<RowId>(meta_.get(meta_key::filed_through, 0));
}

// One that is marked as dropped may stay in the list until its tables go: none of its events is
// left, so what is found there leads nowhere.
std::vector<FiledIndex::Generation>& FiledIndex::generations(RowId through) {
  State now{.schema = 0, .through = through};
  if (Rows rows = schema_version_.query(); rows.next()) now.schema = rows.integer(0);
  if (state_ == now) return generations_;
  state_.reset();
  generations_ = read();
  state_ = now;
  return generations_;
}

std::vector<FiledIndex::Generation> FiledIndex::read() {
  std::vector<Generation> found;
  for (Rows rows = all_.query(); rows.next();) {
    Generation generation{.number = static_cast<std::uint32_t>(rows.number(0)),
                          .first = rows.number(1),
                          .last = rows.number(2),
                          .of_order = {}};
    const auto known =
        std::find_if(generations_.begin(), generations_.end(),
                     [&](const Generation& one) { return one.number == generation.number; });
    generation.of_order =
        known != generations_.end()
            ? std::move(known->of_order)
            : Statement(connection_, "SELECT id FROM " + orders_table(generation.number) +
                                         " WHERE hash = ?1 AND id > ?2 AND "
                                         "id <= ?3 ORDER BY id");
    found.push_back(std::move(generation));
  }
  return found;
}

}  // namespace wxpush::queue
