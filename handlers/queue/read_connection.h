#pragma once
// A connection that only reads, beside the one that writes or without one. Every page is compared
// with its checksum.

#include "handlers/queue/sqlite.h"
#include "handlers/queue/vfs.h"

#include <filesystem>
#include <memory>

namespace wxpush::queue {

// Throws StoreOpenError: 69 no store, 74 damaged, 75 locked, 77 no permission, 78 not a store, or
// of another schema than this program's.
std::shared_ptr<Connection> connect_to_read(const std::filesystem::path& directory,
                                            Zeros zeros = Zeros::refuse);

// How many bytes of each page are left to its checksum: 0 if the store has none.
int reserved_page_bytes(Connection& connection);

// Throws StoreOpenError: what this error means for whoever wanted to read.
[[noreturn]] void refuse_to_read(const SqliteError& error, const std::filesystem::path& directory);

}  // namespace wxpush::queue
