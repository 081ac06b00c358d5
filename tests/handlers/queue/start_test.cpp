// Opening: who may, where, and in what order.

#include "handlers/queue/log_rewrite.h"
#include "handlers/queue/place.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wxpush::queue {
namespace {

struct Refusal {
  int exit_code = 0;
  std::string what;
};

Refusal refusal(StoreFixture& store) {
  try {
    store.open();
  } catch (const StoreOpenError& error) {
    return {error.exit_code(), error.what()};
  }
  store.close();
  return {};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Connection raw(const StoreFixture& store) {
  return Connection(StoreFiles(store.settings.directory).database.string(), {});
}

// This process's limit of open files, put back at the end.
class FileLimit {
 public:
  FileLimit() { REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0); }
  ~FileLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  void lift() const { ::setrlimit(RLIMIT_NOFILE, &before_); }
  // So many more than are open now.
  void allow(rlim_t more) const {
    lift();
    const int first_free = ::dup(STDERR_FILENO);
    ::close(first_free);
    rlimit changed = before_;
    changed.rlim_cur = static_cast<rlim_t>(first_free) + more;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &changed) == 0);
  }

 private:
  rlimit before_{};
};

// The schema that a later version of this program may have.
std::vector<const char*> one_more(const char* step) {
  std::vector<const char*> steps(schema_steps().begin(), schema_steps().end());
  steps.push_back(step);
  return steps;
}

}  // namespace

TEST_CASE("a missing directory is made for its owner alone, with those above it") {
  StoreFixture store;
  store.settings.directory = store.temporary.path() / "var" / "lib" / "wxpush/";
  store.open();
  struct stat found {};
  REQUIRE(::stat(store.settings.directory.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
  CHECK(!store.append(1).error);
}

TEST_CASE("in a directory that is open to all, the files are their owner's alone") {
  StoreFixture store;
  std::filesystem::create_directories(store.settings.directory);
  const auto mask = ::umask(0);
  store.open();
  store.append(1);
  ::umask(mask);
  for (const auto& entry : std::filesystem::directory_iterator(store.settings.directory)) {
    CAPTURE(entry.path().filename().string());
    CHECK((entry.status().permissions() & std::filesystem::perms(0077)) ==
          std::filesystem::perms::none);
  }
}

TEST_CASE("the directory's own name is synced at every start, not only by the one that made it") {
  StoreFixture store;
  store.open();
  store.close();
  std::size_t directories = 0;
  store.disk.on_sync([&](std::uint64_t, StoreFile file) {
    if (file == StoreFile::directory) ++directories;
    return 0;
  });
  store.open();
  CHECK(directories >= 2);  // the one above, then its own
  store.close();
  store.disk.on_sync(
      [](std::uint64_t, StoreFile file) { return file == StoreFile::directory ? EIO : 0; });
  CHECK(refusal(store).exit_code == 74);
}

TEST_CASE("a stranger's file in the way of the reserve is left alone") {
  StoreFixture store;
  std::filesystem::create_directories(store.settings.directory);
  raw(store).execute("CREATE TABLE mine(x)");
  const std::filesystem::path file = StoreFiles(store.settings.directory).reserve;
  std::ofstream(file) << "dinner for two";
  CHECK(refusal(store).exit_code == 78);
  CHECK(std::filesystem::file_size(file) == 14);
}

TEST_CASE("the place is configured before its first table") {
  StoreFixture store;
  store.open();
  CHECK(store.number("PRAGMA page_size") == 8192);
  CHECK(store.number("PRAGMA application_id") == store_application_id);
  CHECK(store.number("PRAGMA user_version") == static_cast<std::int64_t>(schema_steps().size()));
  CHECK(store.number("SELECT value FROM meta WHERE key = 'starts'") == 1);
  store.reopen();
  CHECK(store.number("SELECT value FROM meta WHERE key = 'starts'") == 2);
}

TEST_CASE("a store has one owner at a time, whom the refusal names") {
  StoreFixture store;
  store.open();
  StoreFixture second;
  second.settings.directory = store.settings.directory;
  const Refusal refused = refusal(second);
  CHECK(refused.exit_code == 75);
  CHECK(contains(refused.what, "process " + std::to_string(::getpid())));
  store.close();
  CHECK(refusal(second).exit_code == 0);
}

TEST_CASE("who waits for the store has it as soon as the other lets go, or gives up: 75") {
  StoreFixture store;
  store.open();
  StoreFixture second;
  second.settings.directory = store.settings.directory;
  int asked = 0;
  second.settings.ask_again = [&] { return ++asked < 3; };
  CHECK(refusal(second).exit_code == 75);
  CHECK(asked == 3);
  second.settings.ask_again = [&] {
    store.close();
    return true;
  };
  CHECK(refusal(second).exit_code == 0);
}

TEST_CASE("who gives up waiting with an error of his own leaves the lock file closed") {
  StoreFixture store;
  store.open();
  StoreFixture second;
  second.settings.directory = store.settings.directory;
  second.settings.ask_again = []() -> bool { throw std::runtime_error("enough"); };
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = open_files();
  CHECK_THROWS_AS(refusal(second), std::runtime_error);
  CHECK(open_files() == before);
}

TEST_CASE("the lock is given back by stop, before the queue is destroyed") {
  StoreFixture store;
  store.open();
  store.queue->stop();
  StoreFixture second;
  second.settings.directory = store.settings.directory;
  CHECK(refusal(second).exit_code == 0);
}

TEST_CASE("a store of a newer schema is refused with both versions, and left alone") {
  StoreFixture store;
  store.open();
  store.close();
  raw(store).execute("PRAGMA user_version = 7");
  const Refusal refused = refusal(store);
  CHECK(refused.exit_code == 78);
  CHECK(contains(refused.what, "version 7"));
  CHECK(contains(refused.what, "up to " + std::to_string(schema_steps().size())));
  CHECK(raw(store).integer("PRAGMA user_version") == 7);
}

TEST_CASE("an older schema is brought up to date, in the start's own commit") {
  StoreFixture store;
  store.open();
  store.append_range(1, 3);
  store.close();
  const auto steps = one_more("CREATE TABLE added(id INTEGER PRIMARY KEY)");
  store.options.start.schema = steps;
  store.open();
  CHECK(store.number("PRAGMA user_version") == static_cast<std::int64_t>(steps.size()));
  CHECK(store.number("SELECT count(*) FROM sqlite_schema WHERE name = 'added'") == 1);
  for (std::uint64_t n = 1; n <= 3; ++n) CHECK(store.append(n).duplicate);
  store.close();
  store.options.start.schema = schema_steps();
  CHECK(refusal(store).exit_code == 78);
}

TEST_CASE("a migration that fails leaves the old schema as it was") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.close();
  const auto steps = one_more("CREATE TABLE added(id); CREATE TABLE event(twice)");
  store.options.start.schema = steps;
  CHECK(refusal(store).exit_code == 74);
  store.options.start.schema = schema_steps();
  store.open();
  CHECK(store.append(1).duplicate);
  CHECK(store.number("SELECT count(*) FROM sqlite_schema WHERE name = 'added'") == 0);
}

TEST_CASE("a foreign database, or none at all, is refused and not touched") {
  StoreFixture foreign;
  std::filesystem::create_directories(foreign.settings.directory);
  raw(foreign).execute("CREATE TABLE mine(x)");
  CHECK(refusal(foreign).exit_code == 78);
  CHECK(raw(foreign).text("PRAGMA journal_mode") == "delete");

  StoreFixture text;
  std::filesystem::create_directories(text.settings.directory);
  const std::filesystem::path file = StoreFiles(text.settings.directory).database;
  std::ofstream(file) << std::string(5000, 'x');
  CHECK(refusal(text).exit_code == 78);
  CHECK(std::filesystem::file_size(file) == 5000);
}

TEST_CASE("a start that died before its first table is a fresh start") {
  StoreFixture store;
  std::filesystem::create_directories(store.settings.directory);
  raw(store).execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL");
  store.open();
  CHECK(!store.append(1).error);
}

TEST_CASE("a file where the directory should be: unusable") {
  StoreFixture store;
  std::ofstream(store.settings.directory) << "x";
  CHECK(refusal(store).exit_code == 78);
}

TEST_CASE("a damaged store is refused with 74") {
  StoreFixture store;
  store.open();
  store.append_range(1, 100);
  store.close();
  std::fstream file(StoreFiles(store.settings.directory).database,
                    std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(8192);
  file << std::string(std::size_t{8192} * 30, '\xff');
  file.close();
  CHECK(refusal(store).exit_code == 74);
}

TEST_CASE("without permission: 77") {
  if (::geteuid() == 0) return;  // root may everything
  StoreFixture store;
  std::filesystem::create_directories(store.settings.directory);
  std::filesystem::permissions(store.settings.directory, std::filesystem::perms::none);
  CHECK(refusal(store).exit_code == 77);
  std::filesystem::permissions(store.settings.directory, std::filesystem::perms::owner_all);
}

TEST_CASE("a reader that pins the log of a killed store: 75, with the remedy") {
  StoreFixture killed;
  killed.open();
  killed.append_range(1, 5);
  StoreFixture store;
  killed.copy_to(store.settings.directory);
  store.options.start.patience = std::chrono::milliseconds{0};
  {
    Connection reader(StoreFiles(store.settings.directory).database.string(), {.read_only = true});
    reader.execute("BEGIN");
    REQUIRE(reader.integer("SELECT count(*) FROM event") == 5);
    const Refusal refused = refusal(store);
    CHECK(refused.exit_code == 75);
    CHECK(contains(refused.what, "end it"));
  }
  store.open();
  CHECK(store.append(5).duplicate);
}

TEST_CASE("in operation a pinned log grows, is told once, and is written back when it is free") {
  StoreFixture store;
  store.settings.wal_checkpoint_pages = 32;
  store.open();
  store.append(1);
  {
    Connection reader(StoreFiles(store.settings.directory).database.string(), {.read_only = true});
    reader.execute("BEGIN");
    REQUIRE(reader.integer("SELECT count(*) FROM event") == 1);
    std::uint64_t n = 1;
    while (!store.queue->status().checkpoint_pinned && n < 2000) store.append(++n);
    CHECK(store.queue->status().checkpoint_pinned);
    for (std::uint64_t more = 0; more < 100; ++more) store.append(++n);
    CHECK(store.log.count("keeps its log from being written back") == 1);
  }
  store.pass(std::chrono::seconds{1});  // it is noticed without a commit, too
  CHECK(!store.queue->status().checkpoint_pinned);
}

TEST_CASE("others see every event while a reader keeps a checkpoint from being complete") {
  StoreFixture store;
  store.settings.wal_checkpoint_pages = 32;
  store.open();
  std::uint64_t n = 0;
  while (n < 20) store.append(++n);
  Connection reader(StoreFiles(store.settings.directory).database.string(), {.read_only = true});
  reader.execute("BEGIN");
  REQUIRE(reader.integer("SELECT count(*) FROM event") == 20);
  while (!store.queue->status().checkpoint_pinned && n < 2000) store.append(++n);
  REQUIRE(store.queue->status().checkpoint_pinned);
  const std::vector<StoredEvent> found = store.all();
  REQUIRE(found.size() == n);
  for (std::uint64_t i = 0; i < n; ++i) CHECK(found[i].body == numbered(i + 1).body);
}

TEST_CASE("the log stays bounded while readers come and go") {
  StoreFixture store;
  store.settings.wal_checkpoint_pages = 32;
  store.open();
  const std::unique_ptr<Reader> reader = store.reader();
  for (std::uint64_t n = 1; n <= 500; ++n) {
    store.append(n);
    reader->events({.after = n - 1});
  }
  CHECK(std::filesystem::file_size(StoreFiles(store.settings.directory).wal) < 100 * 8192);
}

TEST_CASE("the real disk tells its space; an unknown one counts as full") {
  const Disk::Space space = SystemDisk{}.space("/");
  CHECK(space.total > 0);
  CHECK(space.free <= space.total);
  CHECK(SystemDisk{}.space("/no/such/place").total == 0);
}

TEST_CASE("file systems are judged by what they promise") {
  CHECK(judge_file_system(NFS_SUPER_MAGIC).use == FileSystemUse::refused);
  CHECK(judge_file_system(0xFF534D42).use == FileSystemUse::refused);  // CIFS
  CHECK(judge_file_system(0xFE534D42).use == FileSystemUse::refused);  // SMB2
  CHECK(judge_file_system(V9FS_MAGIC).use == FileSystemUse::refused);
  CHECK(judge_file_system(0x65735546).use == FileSystemUse::warned);  // FUSE
  CHECK(judge_file_system(TMPFS_MAGIC).use == FileSystemUse::warned);
  CHECK(contains(std::string(judge_file_system(OVERLAYFS_SUPER_MAGIC).remark),
                 "the store is on overlayfs and vanishes with the container"));
  CHECK(judge_file_system(EXT4_SUPER_MAGIC).use == FileSystemUse::fine);
}

// Among them the log's own, to be written again: what it holds may live only in the page cache.
TEST_CASE("too few file descriptors are told as such, whichever file they do not suffice for") {
  StoreFixture store;
  store.open();
  store.append(1);
  store.close();
  const FileLimit limit;
  std::uint64_t refused = 0;
  for (;; ++refused) {
    limit.allow(refused);
    const auto why = refusal(store);
    limit.lift();  // a sanitizer's own looks need one
    if (why.exit_code == 0) break;
    CAPTURE(refused);
    CAPTURE(why.what);
    CHECK(why.exit_code == 74);
    CHECK((contains(why.what, "oo many open files")));
    REQUIRE(refused < 100);
  }
  CHECK(refused >= 4);  // the lock, the database, its log, the log's shared memory
}

// What it holds may live only in the page cache, and is on the disk for certain once written again.
TEST_CASE("a log that is there but cannot be opened to be written again fails the start") {
  StoreFixture store;
  const auto log = store.temporary.path() / "log";
  DiskHealth health;
  rewrite_log(log, store.disk, health);
  CHECK(!health.failed());  // there is none
  std::filesystem::create_symlink(store.temporary.path(), log);
  rewrite_log(log, store.disk, health);
  CHECK(contains(health.failure(), "opening the write-ahead log"));
}

}  // namespace wxpush::queue
