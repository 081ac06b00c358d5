#pragma once
// While at least one of these wants it, SQLite overwrites what is deleted (its `secure_delete`):
// costs writes, so not always. Owned by whoever owns the connection.

#include "handlers/queue/sqlite.h"

namespace wxpush::queue {

class Overwriting {
 public:
  explicit Overwriting(Connection& connection) : connection_(connection) {}

  void begin() {
    if (++users_ == 1) connection_.integer("PRAGMA secure_delete = ON");
  }
  void end() {
    if (--users_ == 0) connection_.integer("PRAGMA secure_delete = OFF");
  }

 private:
  Connection& connection_;
  int users_ = 0;
};

}  // namespace wxpush::queue
