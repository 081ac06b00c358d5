#include "handlers/queue/generations.h"

#include "handlers/queue/schema.h"
#include "handlers/queue/store_files.h"

#include <algorithm>

namespace wxpush::queue {
namespace {

constexpr int state_live = 0;
constexpr int state_dropped = 1;
constexpr std::uint64_t smallest_capacity = 1U << 17;
constexpr std::size_t many = 64;
constexpr std::size_t most_doublings = 6;

}  // namespace

Generations::Generation::Generation(Connection& connection, const Facts& about,
                                    std::uint64_t capacity_)
    : facts(about),
      capacity(capacity_),
      filter(capacity_),
      find(connection, "SELECT id FROM " + known_table(about.number) + " WHERE hash = ?1"),
      // A run that a crash cut short is filed again.
      file_known(connection,
                 "INSERT OR IGNORE INTO " + known_table(about.number) + " VALUES(?1, ?2)"),
      file_order(connection,
                 "INSERT OR IGNORE INTO " + orders_table(about.number) + " VALUES(?1, ?2)") {}

Generations::Generations(Connection& connection, const GenerationLimits& limits)
    : connection_(connection),
      limits_(limits),
      insert_(connection,
              "INSERT INTO generation(number, state, first_id, last_id, oldest_received_at, "
              "newest_received_at, ids) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
      update_(connection,
              "UPDATE generation SET first_id = ?2, last_id = ?3, oldest_received_at = ?4, "
              "newest_received_at = ?5, ids = ?6 WHERE number = ?1"),
      drop_(connection, "UPDATE generation SET state = ?2 WHERE number = ?1") {
  std::vector<Facts> found;
  Statement all(connection,
                "SELECT number, state, first_id, last_id, oldest_received_at, newest_received_at, "
                "ids FROM generation ORDER BY number");
  for (Rows rows = all.query(); rows.next();) {
    const auto number = static_cast<std::uint32_t>(rows.number(0));
    if (rows.integer(1) == state_dropped) {
      dropping_.push_back(number);
      continue;
    }
    found.push_back({.number = number,
                     .first = rows.number(2),
                     .last = rows.number(3),
                     .oldest = rows.integer(4),
                     .newest = rows.integer(5),
                     .ids = rows.number(6)});
  }
  for (const Facts& facts : found) load(facts, facts.number == found.back().number);
}

// A filter takes its memory when it is made. By what the generation before came to hold: a quiet
// store's filters are small, a busy one's generations double. Where many live, each of whose
// filters a new event is looked for in, they may hold more.
std::uint64_t Generations::capacity_after(std::uint64_t ids) const {
  const std::size_t doublings = std::min(live_.size() / many, most_doublings);
  return std::min(std::max(2 * ids, smallest_capacity), limits_.ids << doublings);
}

void Generations::load(const Facts& facts, bool newest) {
  const std::uint64_t stored = static_cast<std::uint64_t>(
      connection_.integer("SELECT count(*) FROM " + known_table(facts.number)));
  const std::uint64_t room = newest ? capacity_after(facts.ids) : 0;
  live_.emplace_back(connection_, facts, std::max(stored, room));
  Statement hashes(connection_, "SELECT hash FROM " + known_table(facts.number));
  for (Rows rows = hashes.query(); rows.next();) live_.back().filter.add(rows.integer(0));
  load_orders(live_.back());
}

void Generations::load_orders(const Generation& generation) {
  const std::uint32_t number = generation.facts.number;
  orders_->begin(number, generation.capacity);
  Statement hashes(connection_, "SELECT hash FROM " + orders_table(number));
  for (Rows rows = hashes.query(); rows.next();) orders_->add(number, rows.integer(0));
}

std::vector<RowId> Generations::find(ShortHash hash) {
  for (const Generation& generation : live_) generation.filter.prefetch(hash);
  std::vector<RowId> found;
  for (auto generation = live_.rbegin(); generation != live_.rend(); ++generation) {
    if (!generation->filter.perhaps(hash)) continue;
    for (Rows rows = generation->find.query(hash); rows.next();) found.push_back(rows.number(0));
  }
  return found;
}

bool Generations::needs_new(WallTime now) const {
  if (live_.empty()) return true;
  const Facts& newest = live_.back().facts;
  return newest.ids >= live_.back().capacity || stored(now) - newest.oldest > limits_.span.count();
}

Generations::Facts Generations::extended(Facts facts, const std::vector<RecentId>& run) {
  for (const RecentId& recent : run) {
    if (facts.first == 0) {
      facts.first = recent.id;
      facts.oldest = facts.newest = recent.received_at;
    }
    facts.last = recent.id;
    facts.oldest = std::min(facts.oldest, recent.received_at);
    facts.newest = std::max(facts.newest, recent.received_at);
  }
  facts.ids += run.size();
  return facts;
}

void Generations::create(const std::vector<RecentId>& first_run) {
  std::uint32_t number = 1;
  if (!live_.empty()) number = live_.back().facts.number + 1;
  for (const std::uint32_t dropping : dropping_) number = std::max(number, dropping + 1);
  // It covers its first run from the beginning, or a crash in between would leave it without a
  // range.
  pending_ = extended({.number = number}, first_run);
  pending_.ids = 0;
  create_generation_tables(connection_, number);
  insert_.run(number, state_live, pending_.first, pending_.last, pending_.oldest, pending_.newest,
              pending_.ids);
}

void Generations::created() {
  live_.emplace_back(connection_, pending_,
                     capacity_after(live_.empty() ? 0 : live_.back().facts.ids));
  orders_->begin(pending_.number, live_.back().capacity);
}

void Generations::file_known(ShortHash hash, RowId id) {
  live_.back().file_known.run(hash, id);
  live_.back().filter.add(hash);  // if this rolls back, the filter says "perhaps" once too often
}

void Generations::file_order(ShortHash hash, RowId id) {
  orders_->add(live_.back().facts.number, hash);  // as above
  live_.back().file_order.run(hash, id);
}

void Generations::close_run(const std::vector<RecentId>& run) {
  pending_ = extended(live_.back().facts, run);
  update_.run(pending_.number, pending_.first, pending_.last, pending_.oldest, pending_.newest,
              pending_.ids);
}

void Generations::run_closed() {
  live_.back().facts = pending_;
}

std::vector<std::uint32_t> Generations::expired(WallTime now, EventTable& events,
                                                bool filing) const {
  std::vector<std::uint32_t> over;
  for (const Generation& generation : live_) {
    const Facts& facts = generation.facts;
    if (filing && &generation == &live_.back()) continue;
    if (facts.newest + limits_.retention.count() >= stored(now)) continue;
    if (!events.any_between(facts.first, facts.last)) over.push_back(facts.number);
  }
  return over;
}

void Generations::mark_dropped(std::uint32_t number) {
  drop_.run(number, state_dropped);
}

void Generations::dropped(std::uint32_t number) {
  live_.remove_if([&](const Generation& g) { return g.facts.number == number; });
  orders_->drop(number);
  dropping_.push_back(number);
}

void Generations::free_slice(std::size_t rows) {
  one_freed_ = false;
  const std::uint32_t number = dropping_.front();
  for (const std::string& table : {known_table(number), orders_table(number)}) {
    std::string slice = "DELETE FROM " + table;
    slice += " WHERE (hash, id) IN (SELECT hash, id FROM " + table;
    slice += " ORDER BY hash, id LIMIT " + std::to_string(rows) + ")";
    connection_.execute(slice);
    if (connection_.changes() > 0) return;
  }
  connection_.execute("DROP TABLE " + known_table(number));
  connection_.execute("DROP TABLE " + orders_table(number));
  connection_.execute("DELETE FROM generation WHERE number = " + std::to_string(number));
  one_freed_ = true;
}

void Generations::slice_freed() {
  if (one_freed_) dropping_.erase(dropping_.begin());
  one_freed_ = false;
}

}  // namespace wxpush::queue
