// A page that the disk returns otherwise than it was written is an error, never an answer.

#include "handlers/queue/page_checksum.h"
#include "handlers/queue/read_connection.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <optional>
#include <random>

namespace wxpush::queue {
namespace {

constexpr PageNumber number = 5;

using Page = std::array<unsigned char, database_page_bytes>;

Page some_page() {
  Page page;
  std::mt19937 generator(7);
  for (unsigned char& byte : page) byte = static_cast<unsigned char>(generator());
  store_checksum(number, page);
  return page;
}

// 60 events with orders, written back, nobody has it open.
void make_store(StoreFixture& store) {
  store.open();
  for (std::uint64_t n = 1; n <= 60; ++n) REQUIRE(!store.append(genuine(n)).error);
  store.close();
}

// Reads everything: what a reader gets to see, and whether it was told that something is wrong.
bool told_or_same(const StoreFixture& store, const std::vector<StoredEvent>& expected) {
  try {
    const std::vector<StoredEvent> found = store.all();
    if (found.size() != expected.size()) return false;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i].id != expected[i].id || found[i].body != expected[i].body ||
          found[i].app != expected[i].app || found[i].type != expected[i].type)
        return false;
    }
    return true;
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace

TEST_CASE("every bit of a page counts, that of the checksum itself included") {
  Page page = some_page();
  REQUIRE(page_checksum(number, page) == stored_checksum(page));
  std::size_t unseen = 0;
  for (unsigned char& byte : page) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      byte = static_cast<unsigned char>(byte ^ (1U << bit));
      unseen += page_checksum(number, page) == stored_checksum(page) ? 1 : 0;
      byte = static_cast<unsigned char>(byte ^ (1U << bit));
    }
  }
  CHECK(unseen == 0);
}

TEST_CASE("one wrong bit is found and put right, two are not") {
  const Page right = some_page();
  for (std::size_t bit = 0; bit < 8 * database_page_bytes; bit += 37) {
    Page page = right;
    page[bit / 8] = static_cast<unsigned char>(page[bit / 8] ^ (1U << (bit % 8)));
    CAPTURE(bit);
    REQUIRE(put_bit_right(number, page));
    REQUIRE(page == right);
  }
  Page page = right;
  page[100] ^= 1U;
  page[5000] ^= 4U;
  CHECK(page_checksum(number, page) != stored_checksum(page));
  CHECK_FALSE(put_bit_right(number, page));
}

TEST_CASE("a page that was never written is as it should be, and nobody reads events from it") {
  const Page zeros{};
  CHECK(is_as_written(number, zeros));
  CHECK(page_checksum(number, zeros) != 0);
}

TEST_CASE("a page in another's place is found") {
  const Page page = some_page();
  CHECK(is_as_written(number, page));
  CHECK_FALSE(is_as_written(number + 1, page));
}

TEST_CASE("that there are checksums is known, also if the byte that says so is damaged") {
  Page first = some_page();
  first[reserved_bytes_at] = page_checksum_bytes;
  store_checksum(1, first);
  CHECK(has_checksums(first));
  first[reserved_bytes_at] = 0;
  CHECK(has_checksums(first));
  Page without = some_page();
  without[reserved_bytes_at] = 0;
  CHECK_FALSE(has_checksums(without));
}

// Found by the fuzzer: where the log has the first page, nobody else looks at the database's own.
TEST_CASE("that there are checksums is known from other pages, if nothing is left of the first") {
  std::vector<Page> pages(3, some_page());
  pages[0].fill(0);
  const auto read = [&](PageNumber at) -> std::optional<PageBytes> {
    if (at > pages.size()) return std::nullopt;
    return PageBytes(pages[at - 1]);
  };
  CHECK_FALSE(any_has_checksum(read));
  store_checksum(3, pages[2]);
  CHECK(any_has_checksum(read));
  pages.resize(1);
  CHECK_FALSE(any_has_checksum(read));
}

TEST_CASE("every page of a store that was written back carries its checksum") {
  StoreFixture store;
  make_store(store);
  std::ifstream file(StoreFiles(store.settings.directory).database, std::ios::binary);
  Page page;
  std::size_t pages = 0;
  while (file.read(reinterpret_cast<char*>(page.data()), page.size())) {
    ++pages;
    CAPTURE(pages);
    CHECK(page_checksum(static_cast<PageNumber>(pages), page) == stored_checksum(page));
  }
  CHECK(pages > 10);
}

TEST_CASE("one wrong bit, in any page: readers are told, or it changes nothing") {
  StoreFixture store;
  make_store(store);
  const std::vector<StoredEvent> expected = store.all();
  REQUIRE(expected.size() == 60);
  const std::filesystem::path file = StoreFiles(store.settings.directory).database;
  const std::uint64_t size = std::filesystem::file_size(file);
  std::size_t silent = 0;
  for (std::uint64_t at = 5; at < size; at += 997) {
    const unsigned bit = static_cast<unsigned>(at % 8);
    flip_bit(file, at, bit);
    if (!told_or_same(store, expected)) {
      ++silent;
      MESSAGE("byte " << at << ", bit " << bit);
    }
    flip_bit(file, at, bit);
  }
  CHECK(silent == 0);
  CHECK(store.all().size() == 60);
}

TEST_CASE("a damaged body is not served, and a start on damaged tables is refused with 74") {
  StoreFixture store;
  make_store(store);
  const std::filesystem::path file = StoreFiles(store.settings.directory).database;
  flip_bit(file, 3 * database_page_bytes - 200, 1);
  CHECK_THROWS(store.reader()->events({}));
  flip_bit(file, 3 * database_page_bytes - 200, 1);
  CHECK(store.reader()->events({}).events.size() == 60);
  flip_bit(file, 2000, 0);  // the list of tables
  CHECK_THROWS_AS(store.open(), StoreOpenError);
}

TEST_CASE("a body is not served from a page that has become zeros, nor from another's page") {
  StoreFixture store;
  store.open();
  NewEvent longer = genuine(1, std::string(20'000, 'x'));
  REQUIRE(!store.append(longer).error);
  store.close();
  const std::filesystem::path file = StoreFiles(store.settings.directory).database;
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  std::vector<std::streamoff> overflow;  // pages of the body alone
  Page page;
  for (std::streamoff at = 0; bytes.read(reinterpret_cast<char*>(page.data()), page.size());
       at += database_page_bytes) {
    if (std::ranges::count(page, static_cast<unsigned char>('x')) > 8000) overflow.push_back(at);
  }
  bytes.clear();
  REQUIRE(overflow.size() >= 2);
  CHECK(store.all().size() == 1);
  Page saved;
  bytes.seekg(overflow[0]).read(reinterpret_cast<char*>(saved.data()), saved.size());
  bytes.seekp(overflow[1]).write(reinterpret_cast<const char*>(saved.data()), saved.size());
  bytes.flush();
  CHECK_THROWS(store.all());
  const Page zeros{};
  bytes.seekp(overflow[1]).write(reinterpret_cast<const char*>(zeros.data()), zeros.size());
  bytes.flush();
  CHECK_THROWS(store.all());
}

TEST_CASE("a body is not served from beyond a database that was cut off beside its log") {
  StoreFixture store;
  store.open();
  REQUIRE(!store.append(genuine(1, std::string(100'000, 'x'))).error);
  store.reopen();  // that is in the database now
  REQUIRE(!store.append(genuine(2)).error);
  StoreFixture killed;
  store.copy_to(killed.settings.directory);
  CHECK(killed.all().size() == 2);
  const std::filesystem::path file = StoreFiles(killed.settings.directory).database;
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - database_page_bytes);
  CHECK_THROWS(killed.all());
}

TEST_CASE("a store that was made without checksums goes on without") {
  StoreFixture store;
  std::filesystem::create_directories(store.settings.directory);
  Connection(StoreFiles(store.settings.directory).database.string(), {})
      .execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL");
  make_store(store);
  CHECK(reserved_page_bytes(*connect_to_read(store.settings.directory)) == 0);
  store.reopen();
  CHECK(store.append(genuine(60)).duplicate);
}

}  // namespace wxpush::queue
