#pragma once
// Whether a store is whole: also beside the process that serves it, in small pages, so that its log
// is never pinned. Changes nothing.

#include "handlers/event/event_id.h"
#include "handlers/queue/body_cipher.h"
#include "handlers/queue/event_record.h"
#include "handlers/queue/incarnation.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::queue {

// Long work tells how far it is, between pages: `of` is 0 where nobody knows.
using Progress = std::function<void(const std::string& what, std::uint64_t done, std::uint64_t of)>;

struct Finding {
  // database (it cannot be opened), log (commits lie behind damage), structure (SQLite's own
  // check), unreadable (rows), body (it is not what its event_id says), order (its hash), twice
  // (one event_id), counter, index (an event is not filed), lane (what is listed for a handler).
  std::string kind;
  std::string what;  // for people
  std::optional<RowId> id{};
  std::optional<event::EventId> event_id{};
};

struct CheckReport {
  std::vector<Finding> findings;        // the first 10,000
  std::uint64_t count = 0;              // of all findings
  std::uint64_t events = 0, bytes = 0;  // rows that were read, and their bodies
  RowId last_id = 0;
  int schema = 0;
  Incarnation incarnation = 0;
  std::uint64_t sealed = 0;  // events whose bodies no key at hand opens: not compared
  bool checksums = false;    // its pages carry some
  bool served = false;       // a process has it: structure, index and counters were not compared
  bool whole() const noexcept { return count == 0; }
};

// Throws StoreOpenError where there is no store, or not one of this schema; a damaged one is a
// report. `body_keys` open sealed bodies.
CheckReport check_store(const std::filesystem::path& directory,
                        const std::vector<BodyKey>& body_keys, const Progress& progress);

}  // namespace wxpush::queue
