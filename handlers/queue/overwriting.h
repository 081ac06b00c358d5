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

// One that wants it for as long as this lives, also if what it does fails.
class WhileOverwriting {
 public:
  explicit WhileOverwriting(Overwriting& overwriting) : overwriting_(overwriting) {
    overwriting_.begin();
  }
  ~WhileOverwriting() {
    try {
      overwriting_.end();
    } catch (const SqliteError&) {  // then it goes on overwriting, which costs and harms nothing
    }
  }
  WhileOverwriting(const WhileOverwriting&) = delete;
  WhileOverwriting& operator=(const WhileOverwriting&) = delete;

 private:
  Overwriting& overwriting_;
};

}  // namespace wxpush::queue
