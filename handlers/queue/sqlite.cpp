#include "handlers/queue/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace wxpush::queue {
namespace {

thread_local Log* log_of_this_thread = nullptr;

void on_sqlite_log(void*, int code, const char* message) {
  const int saved = errno;  // the VFS reads errno after SQLite logged
  if (log_of_this_thread != nullptr && (code & 0xff) != SQLITE_NOTICE) {
    log_of_this_thread->warning("the store's SQLite says", {{"code", code}, {"text", message}});
  }
  errno = saved;
}

void configure_once() noexcept {
  // Refused if SQLite runs already (a host program used it first): then its own sink stays.
  static const int log = sqlite3_config(SQLITE_CONFIG_LOG, on_sqlite_log, nullptr);
  // Nobody asks how much memory it has; counting takes a lock with each allocation.
  static const int status = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(log);
  static_cast<void>(status);
}

[[noreturn]] void raise(sqlite3* handle, int code, std::string_view doing) {
  std::string what = "SQLite: ";
  what += handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  what += " (" + std::to_string(code) + ") in ";
  what += doing.substr(0, 80);
  throw SqliteError(code, what);
}

sqlite3_destructor_type lifetime(bool copy) noexcept {
  return copy ? SQLITE_TRANSIENT : SQLITE_STATIC;  // NOLINT(*-cstyle-cast,*-no-int-to-ptr)
}

int exit_code_of(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return exit_locked;
    case SQLITE_NOTADB:
      return exit_unusable;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return exit_no_permission;
    default:
      return exit_store_failed;
  }
}

}  // namespace

SqliteError::SqliteError(int code, const std::string& what)
    : StoreError(exit_code_of(code), what), code_(code) {}

SqliteLogScope::SqliteLogScope(Log& log) noexcept : outer_(log_of_this_thread) {
  configure_once();
  log_of_this_thread = &log;
}

SqliteLogScope::~SqliteLogScope() {
  log_of_this_thread = outer_;
}

Connection::Connection(const std::string& path, const Options& options) {
  const int access =
      options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle_, access | SQLITE_OPEN_NOMUTEX, options.vfs);
  if (code != SQLITE_OK) {
    const std::string why = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
    const int extended = handle_ != nullptr ? sqlite3_extended_errcode(handle_) : code;
    sqlite3_close_v2(std::exchange(handle_, nullptr));
    throw SqliteError(extended, "SQLite: " + why + " (" + std::to_string(extended) + ")");
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, options.busy_milliseconds);
  // Closing never checkpoints: when, and by whom, is decided by the writer alone.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Connection::~Connection() {
  sqlite3_close_v2(handle_);
}

void Connection::execute(const std::string& script) {
  const int code = sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(handle_, code, script);
}

std::int64_t Connection::integer(const std::string& query) {
  Statement statement(*this, query);
  Rows rows = statement.query();
  return rows.next() ? rows.integer(0) : 0;
}

std::string Connection::text(const std::string& query) {
  Statement statement(*this, query);
  Rows rows = statement.query();
  return rows.next() ? std::string(rows.bytes(0)) : std::string();
}

bool Connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(handle_) == 0;
}

void Connection::roll_back() noexcept {
  if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

std::int64_t Connection::changes() const noexcept {
  return sqlite3_changes64(handle_);
}

void Connection::wait_for_locks(int milliseconds) noexcept {
  sqlite3_busy_timeout(handle_, milliseconds);
}

Rows::~Rows() {
  if (statement_ != nullptr) statement_->reset();
}

bool Rows::next() {
  return statement_->step();
}

std::int64_t Rows::integer(int column) const noexcept {
  return sqlite3_column_int64(statement_->handle_, column);
}

std::uint64_t Rows::number_above(int column, std::uint64_t after) const {
  const std::int64_t value = integer(column);
  if (value <= static_cast<std::int64_t>(after))  // as SQLite compares them
    throw SqliteError(SQLITE_CORRUPT, out_of_order);
  return static_cast<std::uint64_t>(value);
}

std::string_view Rows::bytes(int column) const noexcept {
  const void* data = sqlite3_column_blob(statement_->handle_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), size(column)};
}

std::size_t Rows::size(int column) const noexcept {
  return static_cast<std::size_t>(sqlite3_column_bytes(statement_->handle_, column));
}

bool Rows::is_null(int column) const noexcept {
  return sqlite3_column_type(statement_->handle_, column) == SQLITE_NULL;
}

event::EventId Rows::event_id(int column) const noexcept {
  event::EventId id;
  const std::string_view stored = bytes(column);
  std::copy_n(stored.begin(), std::min(stored.size(), id.bytes.size()), id.bytes.begin());
  return id;
}

Statement::Statement(const Connection& connection, const std::string& sql) {
  const int code =
      sqlite3_prepare_v3(connection.handle(), sql.c_str(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
  if (code != SQLITE_OK) raise(connection.handle(), code, sql);
}

Statement& Statement::operator=(Statement&& from) noexcept {
  std::swap(handle_, from.handle_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_);
}

void Statement::bind(int index, std::string_view text, bool copy) {
  // A null pointer would be bound as NULL: an empty view becomes an empty string.
  const char* data = text.data() != nullptr ? text.data() : "";
  const int code =
      sqlite3_bind_text64(handle_, index, data, text.size(), lifetime(copy), SQLITE_UTF8);
  if (code != SQLITE_OK) raise(sqlite3_db_handle(handle_), code, sqlite3_sql(handle_));
}

void Statement::bind(int index, Blob value, bool copy) {
  const char* data = value.bytes.data() != nullptr ? value.bytes.data() : "";
  const int code = sqlite3_bind_blob64(handle_, index, data, value.bytes.size(), lifetime(copy));
  if (code != SQLITE_OK) raise(sqlite3_db_handle(handle_), code, sqlite3_sql(handle_));
}

void Statement::bind(int index, const std::optional<std::int64_t>& value, bool /*copy*/) {
  if (value) {
    bind_integer(index, *value);
  } else if (const int code = sqlite3_bind_null(handle_, index); code != SQLITE_OK) {
    raise(sqlite3_db_handle(handle_), code, sqlite3_sql(handle_));
  }
}

void Statement::bind_integer(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(handle_, index, value);
  if (code != SQLITE_OK) raise(sqlite3_db_handle(handle_), code, sqlite3_sql(handle_));
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3* handle = sqlite3_db_handle(handle_);
  const std::string sql = sqlite3_sql(handle_);
  const std::string why = sqlite3_errmsg(handle);
  reset();
  throw SqliteError(code,
                    "SQLite: " + why + " (" + std::to_string(code) + ") in " + sql.substr(0, 80));
}

void Statement::finish() {
  while (step()) {
  }
  reset();
}

}  // namespace wxpush::queue
