#include "handlers/queue/facts.h"

namespace wxpush::queue {

Facts::Facts(Connection& connection)
    : set_(connection,
           "INSERT INTO fact(name, value) VALUES(?1, ?2) "
           "ON CONFLICT(name) DO UPDATE SET value = excluded.value") {
  Statement names(connection, "SELECT name FROM fact");
  for (Rows rows = names.query(); rows.next();) names_.emplace(rows.bytes(0));
}

void Facts::note(const std::string& name, const std::string& value) {
  if (name.size() > max_fact_bytes || value.size() > max_fact_bytes) return;
  if (!names_.contains(name)) {
    if (names_.size() >= max_facts) return;
    names_.insert(name);
  }
  waiting_.insert_or_assign(name, value);
}

void Facts::write() {
  for (const auto& [name, value] : waiting_) set_.run(name, value);
}

}  // namespace wxpush::queue
