// What reaches the log's file, and when: its writes are gathered up to the frame that ends a
// commit.

#include "handlers/queue/vfs.h"

#include "handlers/queue/wal_scan.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace wxpush::queue {
namespace {

constexpr int head_bytes = wal::frame_header_bytes;
constexpr int page_bytes = database_page_bytes;
constexpr sqlite3_int64 frame_bytes = wal::frame_bytes;

// A log as SQLite has it open, written frame by frame.
struct OpenLog {
  TempDirectory place;
  FakeDisk disk;
  DiskHealth health;
  Vfs vfs{disk, health};
  std::string path = (place.path() / "queue.db-wal").string();
  std::vector<std::max_align_t> memory;
  sqlite3_file* file = nullptr;

  OpenLog() {
    std::ofstream{place.path() / "queue.db"};  // whose log has its owner and mode
    sqlite3_vfs* const found = sqlite3_vfs_find(vfs.name());
    memory.resize(static_cast<std::size_t>(found->szOsFile) / sizeof(std::max_align_t) + 1);
    file = reinterpret_cast<sqlite3_file*>(memory.data());
    constexpr int flags = SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    REQUIRE(found->xOpen(found, path.c_str(), file, flags, nullptr) == SQLITE_OK);
  }
  ~OpenLog() { file->pMethods->xClose(file); }
  OpenLog(const OpenLog&) = delete;
  OpenLog& operator=(const OpenLog&) = delete;

  // Of the n-th frame, from 0: head, then page.
  int write(sqlite3_int64 frame, bool ends_commit) {
    std::array<unsigned char, head_bytes> head{};
    head[7] = ends_commit ? 9 : 0;  // pages of the database after this commit
    const std::array<unsigned char, page_bytes> page{1};
    const sqlite3_int64 at = frame * frame_bytes;
    const int result = file->pMethods->xWrite(file, head.data(), head_bytes, at);
    if (result != SQLITE_OK) return result;
    return file->pMethods->xWrite(file, page.data(), page_bytes, at + head_bytes);
  }
  int read() {
    unsigned char byte = 0;
    return file->pMethods->xRead(file, &byte, 1, 0);
  }
  std::uintmax_t size() const { return std::filesystem::file_size(path); }
};

int no_space(std::uint64_t, StoreFile) {
  return ENOSPC;
}

}  // namespace

TEST_CASE_FIXTURE(OpenLog,
                  "frames go to the log's file together, with the one that ends a commit") {
  CHECK(write(0, false) == SQLITE_OK);
  CHECK(write(1, false) == SQLITE_OK);
  CHECK(size() == 0);
  CHECK(write(2, true) == SQLITE_OK);
  CHECK(size() == 3 * frame_bytes);
  CHECK(disk.writes() == 1);
}

TEST_CASE_FIXTURE(OpenLog, "who reads the log, measures or syncs it, finds all that was written") {
  CHECK(write(0, false) == SQLITE_OK);
  CHECK(read() == SQLITE_OK);
  CHECK(size() == frame_bytes);
  CHECK(write(1, false) == SQLITE_OK);
  sqlite3_int64 measured = 0;
  CHECK(file->pMethods->xFileSize(file, &measured) == SQLITE_OK);
  CHECK(measured == 2 * frame_bytes);
  CHECK(write(2, false) == SQLITE_OK);
  CHECK(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) == SQLITE_OK);
  CHECK(size() == 3 * frame_bytes);
}

// Only their transaction knows of frames that were lost, and it may have been told in answer to a
// read: a commit that did not mind would leave a hole before its frames.
TEST_CASE_FIXTURE(OpenLog, "nothing is written behind frames that the disk did not take") {
  CHECK(write(0, true) == SQLITE_OK);
  CHECK(write(1, false) == SQLITE_OK);
  disk.on_write(no_space);
  CHECK(read() == SQLITE_FULL);
  CHECK(read() == SQLITE_OK);  // what is there can be read
  disk.on_write({});
  CHECK(write(2, true) != SQLITE_OK);
  CHECK(size() == frame_bytes);
  CHECK(write(1, false) == SQLITE_OK);  // the next transaction begins where that one did
  CHECK(write(2, true) == SQLITE_OK);
  CHECK(size() == 3 * frame_bytes);
}

}  // namespace wxpush::queue
