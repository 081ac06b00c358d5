// A log whose middle is damaged holds acknowledged commits that SQLite would not see.

#include "handlers/queue/wal_file.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/log_witness.h"
#include "handlers/queue/store_check.h"
#include "handlers/queue/store_salvage.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <fstream>

namespace wxpush::queue {
namespace {

constexpr std::uint64_t header = 32;
constexpr std::uint64_t frame = 24 + 8192;

// What a killed process leaves: everything in the log, one commit an event.
struct Killed {
  TempDirectory place;
  StoreFiles files{place.path() / "killed"};
  std::uint64_t frames = 0;

  explicit Killed(bool with_lock = false) {
    constexpr std::uint64_t events = 12;
    StoreFixture store;
    store.open();
    for (std::uint64_t n = 1; n <= events; ++n) REQUIRE(!store.append(genuine(n)).error);
    store.copy_to(files.directory);
    if (with_lock)
      std::filesystem::copy_file(StoreFiles(store.settings.directory).lock, files.lock);
    frames = (std::filesystem::file_size(files.wal) - header) / frame;
    REQUIRE(frames > events);
  }
};

int exit_code_of_start(const StoreFiles& files) {
  StoreFixture store;
  store.settings.directory = files.directory;
  try {
    store.open();
  } catch (const StoreOpenError& error) {
    return error.exit_code();
  }
  return 0;
}

}  // namespace

TEST_CASE("a log that a kill left is whole") {
  const Killed killed;
  const LogVerdict verdict = inspect_log(killed.files);
  CHECK_FALSE(verdict.damaged);
  CHECK(verdict.commits >= 12);
  CHECK(verdict.lost == 0);
  CHECK_FALSE(inspect_log(StoreFiles(killed.place.path() / "nowhere")).damaged);
}

TEST_CASE("a torn end is what power cuts leave: no damage") {
  const Killed killed;
  std::filesystem::resize_file(killed.files.wal, header + frame * killed.frames - 100);
  CHECK_FALSE(inspect_log(killed.files).damaged);
  flip_bit(killed.files.wal, header + frame * (killed.frames - 2) + 500, 3);
  CHECK_FALSE(inspect_log(killed.files).damaged);
  CHECK(exit_code_of_start(killed.files) == 0);
}

// A log overwrites an older one. Of a frame whose header lies in two sectors a power cut may leave
// the new half that says which log it is, behind the old half that says that it ends a commit.
TEST_CASE("a torn commit with half a header of an older log's commit is a torn end, too") {
  StoreFixture store;
  store.open();
  const StoreFiles files{store.temporary.path() / "cut"};
  constexpr std::uint64_t split = 41;  // this frame's first 8 bytes end a sector
  static_assert((header + split * frame + 8) % 512 == 0);
  std::uint64_t before = 0;
  std::uint64_t frames = 0;
  for (std::uint64_t n = 1; frames <= split + 1; ++n) {
    before = frames;
    std::filesystem::remove_all(files.directory);
    REQUIRE(!store.append(genuine(n)).error);
    store.copy_to(files.directory);
    frames = (std::filesystem::file_size(files.wal) - header) / frame;
  }
  REQUIRE(before <= split);  // the last commit: from `before` on, and over `split`
  REQUIRE_FALSE(inspect_log(files).damaged);
  const std::uint64_t commits = inspect_log(files).commits;
  std::fstream log(files.wal, std::ios::binary | std::ios::in | std::ios::out);
  log.seekp(static_cast<std::streamoff>(header + split * frame));
  log.write("\0\0\0\2\0\0\0\x9", 8);
  log.close();
  const LogVerdict verdict = inspect_log(files);
  CHECK_FALSE(verdict.damaged);
  CHECK(verdict.commits == commits - 1);
  CHECK(exit_code_of_start(files) == 0);
}

TEST_CASE("SQLite would delete the log of a database that was emptied, or is gone: it is kept") {
  for (const int bytes : {-1, 0, 1}) {
    CAPTURE(bytes);
    const Killed killed;
    if (bytes < 0) {
      std::filesystem::remove(killed.files.database);
    } else {
      std::filesystem::resize_file(killed.files.database, static_cast<std::uintmax_t>(bytes));
    }
    const auto log_bytes = std::filesystem::file_size(killed.files.wal);
    CHECK(inspect_log(killed.files).damaged);
    CHECK_THROWS_AS(Reader::open(killed.files.directory, {}), StoreOpenError);
    const Progress silent = [](const std::string&, std::uint64_t, std::uint64_t) {};
    CHECK_FALSE(check_store(killed.files.directory, {}, silent).whole());
    CHECK(exit_code_of_start(killed.files) == 74);
    REQUIRE(std::filesystem::exists(killed.files.wal));
    CHECK(std::filesystem::file_size(killed.files.wal) == log_bytes);
    StoreFixture store;
    crypto::SystemRandom random;
    const std::filesystem::path saved = killed.place.path() / "saved";
    CHECK(salvage(killed.files.directory, saved, {}, store.clock, store.disk, random, silent)
              .events == 12);
  }
}

TEST_CASE("one wrong bit in the middle: the start is refused instead of forgetting what follows") {
  const Killed killed;
  for (const std::uint64_t at : {frame + 0, frame + 9, frame + 17, frame + 24 + 4000}) {
    CAPTURE(at);
    flip_bit(killed.files.wal, header + at, 2);
    const LogVerdict verdict = inspect_log(killed.files);
    CHECK(verdict.damaged);
    CHECK(verdict.lost >= 10);
    CHECK(exit_code_of_start(killed.files) == 74);
    flip_bit(killed.files.wal, header + at, 2);
  }
  CHECK(exit_code_of_start(killed.files) == 0);
}

TEST_CASE(
    "LOCK says how long the log was: a cut-off end, and damage in the last commit, are seen") {
  const Killed killed(true);
  const auto witness = read_witness(killed.files);
  REQUIRE(witness.has_value());
  CHECK(witness->frames == killed.frames);
  CHECK_FALSE(inspect_log(killed.files).damaged);
  const std::uint64_t last = header + frame * (killed.frames - 1) + 500;
  flip_bit(killed.files.wal, last, 3);
  CHECK(inspect_log(killed.files).damaged);
  CHECK(exit_code_of_start(killed.files) == 74);
  flip_bit(killed.files.wal, last, 3);
  const std::filesystem::path copy = killed.place.path() / "log";
  std::filesystem::copy_file(killed.files.wal, copy);
  for (const std::uint64_t size : {header + frame * (killed.frames - 1), header + frame * 2, header,
                                   std::uint64_t{20}, std::uint64_t{0}}) {
    CAPTURE(size);
    std::filesystem::resize_file(killed.files.wal, size);
    const LogVerdict verdict = inspect_log(killed.files);
    CHECK(verdict.damaged);
    CHECK(verdict.missing > 0);
    CHECK(exit_code_of_start(killed.files) == 74);
    std::filesystem::copy_file(copy, killed.files.wal,
                               std::filesystem::copy_options::overwrite_existing);
  }
  CHECK(exit_code_of_start(killed.files) == 0);
}

TEST_CASE("a LOCK that is damaged, or of another log, says nothing") {
  const Killed killed(true);
  std::filesystem::resize_file(killed.files.wal, header + frame * 6);
  for (std::uint64_t byte = 16; byte < 70; ++byte) {
    CAPTURE(byte);
    flip_bit(killed.files.lock, byte, 1);
    CHECK_FALSE(read_witness(killed.files).has_value());
    CHECK_FALSE(inspect_log(killed.files).damaged);
    flip_bit(killed.files.lock, byte, 1);
  }
  CHECK(inspect_log(killed.files).damaged);
  const Killed other(true);
  std::filesystem::copy_file(other.files.lock, killed.files.lock,
                             std::filesystem::copy_options::overwrite_existing);
  CHECK_FALSE(inspect_log(killed.files).damaged);
}

TEST_CASE("a store that was stopped expects no log, and one that starts over another one") {
  StoreFixture store;
  store.settings.wal_checkpoint_pages = 8;
  store.open();
  for (std::uint64_t n = 1; n <= 100; ++n) {
    REQUIRE(!store.append(n).error);
    const StoreFiles files(store.settings.directory);
    REQUIRE_FALSE(inspect_log(files).damaged);
  }
  store.close();
  const auto witness = read_witness(StoreFiles(store.settings.directory));
  REQUIRE(witness.has_value());
  CHECK(witness->frames == 0);
  std::filesystem::remove(StoreFiles(store.settings.directory).wal);
  store.open();
  CHECK(store.append(100).duplicate);
}

TEST_CASE("one wrong bit in the log's header would forget all of it: refused") {
  const Killed killed;
  for (std::uint64_t at = 0; at < header; ++at) {
    CAPTURE(at);
    flip_bit(killed.files.wal, at, 5);
    CHECK(inspect_log(killed.files).damaged);
    flip_bit(killed.files.wal, at, 5);
  }
  flip_bit(killed.files.wal, 20, 0);
  CHECK(exit_code_of_start(killed.files) == 74);
}

TEST_CASE("a header torn while the log begins anew loses nothing: all was written back before") {
  StoreFixture store;
  store.open();
  store.append_range(1, 20);
  Connection(StoreFiles(store.settings.directory).database.string(), {})
      .execute("PRAGMA wal_checkpoint(PASSIVE)");
  const StoreFiles copy(store.temporary.path() / "copy");
  store.copy_to(copy.directory);
  flip_bit(copy.wal, 14, 0);
  CHECK_FALSE(inspect_log(copy).damaged);
}

TEST_CASE("what lies beyond the damage can be read, and the wrong bit put right") {
  for (const std::uint64_t at : {std::uint64_t{9}, header + frame + 1, header + frame + 17,
                                 header + 2 * frame + 24 + 4000, header + 3 * frame + 10}) {
    CAPTURE(at);
    const Killed killed;
    flip_bit(killed.files.wal, at, 6);
    const DamagedLog log = read_damaged_log(killed.files);
    CHECK(log.database_pages > 10);
    CHECK(log.pages.size() > 10);
    for (const auto& [number, page] : log.pages) {
      CAPTURE(number);
      CHECK(page.whole);
    }
  }
}

TEST_CASE("a page of a damaged log is what was written, or is told as damaged: also of high bits") {
  const Killed killed(true);
  const DamagedLog written = read_damaged_log(killed.files);
  const std::uint64_t last_pages = header + (killed.frames - 3) * frame;  // no newer ones follow
  std::size_t told = 0;
  for (std::uint64_t at = last_pages + 24; at < last_pages + 3 * frame; at += 397) {
    const std::uint64_t high = at - (at - header) % 4 + 3;  // of a word as it is summed
    flip_bit(killed.files.wal, high, 7);
    for (const auto& [number, page] : read_damaged_log(killed.files).pages) {
      CAPTURE(high);
      CAPTURE(number);
      if (page.whole) CHECK(page.bytes == written.pages.at(number).bytes);
      told += page.whole ? 0 : 1;
    }
    flip_bit(killed.files.wal, high, 7);
  }
  CHECK(told > 0);
}

TEST_CASE("where LOCK cannot be written, the log is not taken for one that was cut off") {
  StoreFixture store;
  store.open();
  for (std::uint64_t n = 1; n <= 12; ++n) REQUIRE(!store.append(genuine(n)).error);
  store.disk.on_write(
      [](std::uint64_t, StoreFile file) { return file == StoreFile::other ? ENOSPC : 0; });
  store.close();
  store.disk.on_write({});
  CHECK_FALSE(inspect_log(StoreFiles(store.settings.directory)).damaged);
  store.open();
  for (std::uint64_t n = 1; n <= 12; ++n) CHECK(store.append(genuine(n)).duplicate);
}

}  // namespace wxpush::queue
