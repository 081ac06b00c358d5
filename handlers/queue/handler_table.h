#pragma once
// The table handler: who gets events, from where on, and how far each one is. What memory holds is
// what is committed. Owned by the thread that owns the connection.

#include "handlers/queue/event_record.h"
#include "handlers/queue/sqlite.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::queue {

// `first` of a handler that is gone and asks for nothing more, but has dead letters to be looked
// at.
constexpr RowId asks_for_nothing = RowId{1} << 62;

// Whether this handler is to get an event (its filters, and where it began).
bool asks_for(const HandlerRecord& handler, RowId id, std::string_view app, std::string_view type);

// Lists of names lie in one column, a line each: no name holds a line break.
std::string joined(const std::vector<std::string>& names);
std::vector<std::string> split(std::string_view names);

// Reads the records in order of number; `start` is the number of the newest start.
std::vector<HandlerRecord> read_handlers(Connection& connection, std::int64_t start);

class HandlerTable {
 public:
  HandlerTable(Connection& connection, std::int64_t start);

  struct Registration {
    std::string name;
    std::vector<std::string> apps, events;
    RowId begin = 0;  // for one that is new
    std::string renamed_from;
    std::int64_t now = 0;  // wall time, ms
  };
  // In a transaction; refresh() is to follow the commit. Answers the record's number.
  void enrol(const Registration& registration);
  // In a transaction, likewise. One with dead letters stays, since they are to be looked at, but
  // asks for nothing more.
  // False, and nothing was done: events that it read already wait for it.
  bool retire(std::uint32_t number);
  // In a transaction, likewise. Forgets what waits for the handler, and its dead letters, at most
  // `rows` rows at once; then the handler itself. True: all is gone.
  bool forget(std::uint32_t number, std::size_t rows);
  void settle(std::uint32_t number, RowId through);   // in a transaction
  void settled(std::uint32_t number, RowId through);  // after its commit
  void refresh() { records_ = read_handlers(connection_, start_); }

  const std::vector<HandlerRecord>& all() const noexcept { return records_; }
  const HandlerRecord* find(std::string_view name) const;

 private:
  Connection& connection_;
  std::int64_t start_;
  Statement insert_, rename_, update_, settle_, begin_, gone_;
  std::vector<HandlerRecord> records_;
};

}  // namespace wxpush::queue
