#pragma once
// The table fact: small things that should outlive a restart (when a key was last used). Losing the
// newest loses little, so they are written with whatever is committed next. Owned by the writer
// thread.

#include "handlers/queue/sqlite.h"

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace wxpush::queue {

constexpr std::size_t max_facts = 1024;
constexpr std::size_t max_fact_bytes = 256;  // of a name, and of a value

class Facts {
 public:
  explicit Facts(Connection& connection);

  // Without effect beyond the bounds.
  void note(const std::string& name, const std::string& value);
  bool waiting() const noexcept { return !waiting_.empty(); }
  void write();  // in a transaction; committed() is to follow
  void committed() { waiting_.clear(); }

 private:
  Statement set_;
  std::set<std::string> names_;  // in the table, or on their way
  std::map<std::string, std::string> waiting_;
};

}  // namespace wxpush::queue
