#pragma once
// The table meta: the store's few single numbers.

#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <string_view>

namespace wxpush::queue {

namespace meta_key {
constexpr std::string_view starts = "starts";              // how often the store was opened
constexpr std::string_view maintenances = "maintenances";  // how often by a command alone
constexpr std::string_view next_id = "next_id";            // the next RowId; never falls
constexpr std::string_view events = "events";              // rows in event
constexpr std::string_view filed_through =
    "filed_through";  // events up to here are in a generation
constexpr std::string_view next_quarantine_id = "next_quarantine_id";
constexpr std::string_view retention_clock = "retention_clock";  // ms; retention_clock.h
// The number of the key that all bodies are sealed with, but for newer ones; 0: none.
constexpr std::string_view resealed_with = "resealed_with";
constexpr std::string_view incarnation = "incarnation";  // incarnation.h
constexpr std::string_view restored_at = "restored_at";  // ms; absent: never
}  // namespace meta_key

class Meta {
 public:
  explicit Meta(Connection& connection)
      : get_(connection, "SELECT value FROM meta WHERE key = ?1"),
        set_(connection,
             "INSERT INTO meta(key, value) VALUES(?1, ?2) "
             "ON CONFLICT(key) DO UPDATE SET value = excluded.value") {}

  std::int64_t get(std::string_view key, std::int64_t otherwise) {
    Rows rows = get_.query(key);
    return rows.next() ? rows.integer(0) : otherwise;
  }
  void set(std::string_view key, std::int64_t value) { set_.run(key, value); }

 private:
  Statement get_;
  Statement set_;
};

}  // namespace wxpush::queue
