#pragma once
// SQLite with owners: a connection, and prepared statements that are reused. Errors are exceptions
// here, because inside one transaction every one of them has the same consequence (it rolls back);
// they end in Store::transact(), at the start-up, or, as a StoreError, at whoever reads.
//
// Strings are bytes; lengths are explicit. Nothing here is thread-safe.

#include "handlers/base/log.h"
#include "handlers/event/event_id.h"
#include "handlers/queue/store_error.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace wxpush::queue {

class SqliteError : public StoreError {
 public:
  SqliteError(int code, const std::string& what);
  int code() const noexcept { return code_; }            // SQLite's extended result code
  int primary() const noexcept { return code_ & 0xff; }  // and its primary part

 private:
  int code_;
};

// What is wrong when a damaged tree hands out rows again.
inline constexpr auto out_of_order = "rows are not in the order of their key";

// While it lives, what SQLite says on this thread goes to `log`. SQLite knows one sink per process;
// this keeps it from being ours for everybody. The first one made in a process installs it.
class SqliteLogScope {
 public:
  explicit SqliteLogScope(Log& log) noexcept;
  ~SqliteLogScope();
  SqliteLogScope(const SqliteLogScope&) = delete;
  SqliteLogScope& operator=(const SqliteLogScope&) = delete;

 private:
  Log* outer_;
};

class Connection {
 public:
  struct Options {
    const char* vfs = nullptr;  // SQLite's default if null
    bool read_only = false;     // else the file is created where there is none
    int busy_milliseconds = 0;  // how long a lock held by another process is waited for
  };
  // Throws SqliteError.
  Connection(const std::string& path, const Options& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void execute(const std::string& script);         // one or more statements without rows
  std::int64_t integer(const std::string& query);  // first column of the first row; 0 without rows
  std::string text(const std::string& query);      // likewise
  bool in_transaction() const noexcept;
  void roll_back() noexcept;              // if there is a transaction
  std::int64_t changes() const noexcept;  // rows of the last INSERT, UPDATE or DELETE
  void wait_for_locks(int milliseconds) noexcept;
  sqlite3* handle() const noexcept { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

struct Blob {
  std::string_view bytes;
};
inline Blob blob(const event::EventId& id) noexcept {
  return {{reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}};
}

class Statement;

// The rows of one execution; resets the statement when it goes, so that nothing is held on the
// disk.
class Rows {
 public:
  explicit Rows(Statement& statement) noexcept : statement_(&statement) {}
  Rows(Rows&& from) noexcept : statement_(from.statement_) { from.statement_ = nullptr; }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  Rows& operator=(Rows&&) = delete;
  ~Rows();
  bool next();  // to the next row; false after the last. Throws SqliteError
  // Of the row now; text and blobs live until next().
  std::int64_t integer(int column) const noexcept;
  std::uint64_t number(int column) const noexcept {
    return static_cast<std::uint64_t>(integer(column));
  }
  // Of rows in the order of this number, read from above `after`. In a damaged tree they may come
  // again and again, and whoever goes on where he was would never come to an end: SqliteError.
  std::uint64_t number_above(int column, std::uint64_t after) const;
  std::string_view bytes(int column) const noexcept;
  std::size_t size(int column) const noexcept;  // of a blob, without loading it
  bool is_null(int column) const noexcept;
  event::EventId event_id(int column) const noexcept;

 private:
  Statement* statement_;
};

class Statement {
 public:
  Statement() = default;
  Statement(const Connection& connection, const std::string& sql);
  Statement(Statement&& from) noexcept : handle_(from.handle_) { from.handle_ = nullptr; }
  Statement& operator=(Statement&& from) noexcept;
  ~Statement();

  // Executes to the end; the arguments are ?1, ?2, …
  template <class... Args>
  void run(const Args&... args) {
    bind_all(false, args...);
    finish();
  }
  // Text and blobs are copied, since the rows outlive the call.
  template <class... Args>
  Rows query(const Args&... args) {
    bind_all(true, args...);
    return Rows(*this);
  }
  void reset() noexcept;
  explicit operator bool() const noexcept { return handle_ != nullptr; }

 private:
  friend class Rows;
  template <class... Args>
  void bind_all([[maybe_unused]] bool copy, const Args&... args) {
    int index = 0;
    (bind(++index, args, copy), ...);
  }
  void bind(int index, std::string_view text, bool copy);
  void bind(int index, Blob bytes, bool copy);
  void bind(int index, const std::optional<std::int64_t>& value, bool copy);
  template <std::integral T>
  void bind(int index, T value, bool /*copy*/) {
    bind_integer(index, static_cast<std::int64_t>(value));
  }
  void bind_integer(int index, std::int64_t value);
  bool step();
  void finish();

  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace wxpush::queue
