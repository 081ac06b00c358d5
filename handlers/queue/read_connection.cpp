#include "handlers/queue/read_connection.h"

#include "handlers/queue/disk.h"
#include "handlers/queue/disk_health.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/schema.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/vfs.h"

#include <sqlite3.h>

#include <cerrno>
#include <string>
#include <sys/stat.h>

namespace wxpush::queue {
namespace {

constexpr int busy_milliseconds = 500;

// Destroyed in reverse: the connection before the VFS that it uses.
struct Reading {
  Reading(const std::string& database, Zeros zeros)
      : vfs{disk, health, zeros},
        connection(database,
                   {.vfs = vfs.name(), .read_only = true, .busy_milliseconds = busy_milliseconds}) {
  }
  SystemDisk disk;
  DiskHealth health;
  Vfs vfs;
  Connection connection;
};

void look_for_store(const std::filesystem::path& directory) {
  struct stat found {};
  if (::stat(StoreFiles(directory).database.c_str(), &found) == 0) return;
  const bool missing = errno == ENOENT || errno == ENOTDIR;
  throw StoreOpenError(
      missing ? exit_unavailable : exit_no_permission,
      (missing ? "there is no store in " : "may not look into ") + directory.string());
}

}  // namespace

void refuse_to_read(const SqliteError& error, const std::filesystem::path& directory) {
  throw StoreOpenError(error.exit_code(),
                       "cannot read the store " + directory.string() + ": " + error.what());
}

std::shared_ptr<Connection> connect_to_read(const std::filesystem::path& directory, Zeros zeros) {
  look_for_store(directory);
  try {
    const auto reading = std::make_shared<Reading>(StoreFiles(directory).database.string(), zeros);
    const int version = recognise_store(reading->connection, schema_steps().size());
    if (version == 0) throw StoreOpenError(exit_unavailable, "there is no store there yet");
    if (static_cast<std::size_t>(version) < schema_steps().size()) {
      throw StoreOpenError(exit_unusable,
                           "the store has the older schema version " + std::to_string(version) +
                               "; start the server once, which brings it up to date");
    }
    return {reading, &reading->connection};
  } catch (const SqliteError& error) {
    refuse_to_read(error, directory);
  }
}

int reserved_page_bytes(Connection& connection) {
  int bytes = -1;  // asks, and changes nothing
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
  return bytes;
}

}  // namespace wxpush::queue
