// A log whose middle is damaged holds acknowledged commits that SQLite would not see.

#include "handlers/queue/wal_file.h"

#include "handlers/queue/log_witness.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

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

}  // namespace wxpush::queue
