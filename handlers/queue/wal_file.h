#pragma once
// The write-ahead log as bytes (sqlite.org/fileformat2.html, "The Write-Ahead Log"). SQLite stops
// at the first frame whose checksum is wrong, and takes it for the torn end that a power cut
// leaves. Here a damaged log is told from a torn one: a commit is begun only after the one before
// it was synced, so whole commits beyond a broken one say that the broken one was whole once; and
// so may LOCK (log_witness.h).

#include "handlers/queue/store_files.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wxpush::queue {

struct LogVerdict {
  bool damaged = false;
  std::uint64_t commits = 0;  // that SQLite sees
  std::uint64_t lost = 0;     // commits that lie beyond the damage
  std::uint64_t missing = 0;  // frames that were there once, and cannot be read (log_witness.h)
  // The database is gone, or has not even a page: SQLite, also one that only reads, deletes the
  // log.
  bool alone = false;
  std::string what;  // for people, if damaged
};

// Opens and closes the log; where its first bytes are damaged, also the database. So not while this
// process has a connection to that store.
LogVerdict inspect_log(const StoreFiles& files);

// Throws StoreOpenError 74 if it is damaged: SQLite takes what follows a damaged frame for the torn
// end of a power cut, and would go on without commits that were acknowledged.
void refuse_damaged_log(const StoreFiles& files);

// The newest version of each page in a log, up to its last commit, and beyond damage. Each frame is
// compared with its own checksum, and one wrong bit is put right.
struct LoggedPage {
  std::uint32_t number = 0;
  bool whole = false;
  std::vector<unsigned char> bytes;
};
struct DamagedLog {
  std::map<std::uint32_t, LoggedPage> pages;  // by number
  std::uint64_t database_pages = 0;           // how many there are after the last commit
  std::uint64_t bits_put_right = 0;
  std::uint64_t unknown_pages = 0;  // whose frames do not say any more which pages they are
};
DamagedLog read_damaged_log(const StoreFiles& files);

}  // namespace wxpush::queue
