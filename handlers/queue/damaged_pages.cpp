#include "handlers/queue/damaged_pages.h"

#include "handlers/queue/schema.h"
#include "handlers/queue/wal_file.h"
#include "handlers/queue/wal_scan.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

namespace wxpush::queue {
namespace {

constexpr std::uint64_t most_growth = 64;  // beyond that nobody is believed how much was cut off
constexpr std::size_t pages_at = 28;       // in the first page: how many there are
constexpr std::size_t free_list_at = 32;

using wal::number_at;

void put_number(std::vector<unsigned char>& page, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    page[at + i] = static_cast<unsigned char>(value >> (24 - 8 * i));
}

MutablePage whole(std::vector<unsigned char>& page) {
  return MutablePage(page.data(), database_page_bytes);
}

std::uint64_t pages_of(const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  return error ? 0 : (bytes + database_page_bytes - 1) / database_page_bytes;
}

}  // namespace

DamagedPages::DamagedPages(const StoreFiles& copy)
    : files_(copy), database_(copy.database, std::ios::binary | std::ios::in | std::ios::out) {
  apply_log();
  count_ = static_cast<PageNumber>(pages_of(files_.database));
  checksums_ = look_for_checksums();
  usable_ = database_page_bytes - (checksums_ ? page_checksum_bytes : 0);
  mend_pages();
  database_.flush();
}

bool DamagedPages::read(PageNumber number, std::vector<unsigned char>& into) {
  into.assign(database_page_bytes, 0);
  if (number == 0) return false;
  database_.clear();
  database_.seekg(static_cast<std::streamoff>(std::uint64_t{number - 1} * database_page_bytes));
  database_.read(reinterpret_cast<char*>(into.data()), database_page_bytes);
  return database_.gcount() > 0;
}

// The first page says so, or, where that is gone, others have some.
bool DamagedPages::look_for_checksums() {
  std::vector<unsigned char> page;
  return any_has_checksum([&](PageNumber number) -> std::optional<PageBytes> {
    if (!read(number, page)) return std::nullopt;
    return PageBytes(page.data(), database_page_bytes);
  });
}

void DamagedPages::write(PageNumber number, const std::vector<unsigned char>& page) {
  database_.clear();
  database_.seekp(static_cast<std::streamoff>(std::uint64_t{number - 1} * database_page_bytes));
  database_.write(reinterpret_cast<const char*>(page.data()), database_page_bytes);
}

void DamagedPages::apply_log() {
  DamagedLog log = read_damaged_log(files_);
  const auto first = log.pages.find(1);  // all that there is may be in the log
  const bool checksums = look_for_checksums() ||
                         (first != log.pages.end() && has_checksums(whole(first->second.bytes)));
  bits_ += log.bits_put_right;
  unknown_ = log.unknown_pages;
  // A frame may say anything, also one whose sums are right.
  const std::uint64_t there = pages_of(files_.database) + log.pages.size();
  log.database_pages = std::min(log.database_pages, there * most_growth);
  for (auto& [number, page] : log.pages) {
    if (number == 0 || number > log.database_pages) continue;
    if (checksums) store_checksum(number, whole(page.bytes));
    // What is damaged is to stay so.
    if (checksums && !page.whole)
      page.bytes.back() = static_cast<unsigned char>(~page.bytes.back());
    write(number, page.bytes);
  }
  database_.flush();
  std::error_code none;
  if (log.database_pages > 0)
    std::filesystem::resize_file(files_.database, log.database_pages * database_page_bytes, none);
  std::filesystem::resize_file(files_.wal, 0, none);
}

void DamagedPages::mend_header(std::vector<unsigned char>& page) const {
  static constexpr char magic[] = "SQLite format 3";
  std::memcpy(page.data(), magic, sizeof magic);
  const unsigned char fixed[] = {0x20, 0,  2, 2, static_cast<unsigned char>(page_checksum_bytes),
                                 64,   32, 32};
  std::memcpy(page.data() + sizeof magic, fixed, sizeof fixed);
  put_number(page, 44, 4);  // the schema's format
  put_number(page, 52, 0);
  put_number(page, 56, 1);  // UTF-8
  put_number(page, 60, schema_steps().size());
  put_number(page, 64, 0);
  put_number(page, 68, static_cast<std::uint64_t>(store_application_id));
}

void DamagedPages::mend_pages() {
  std::vector<unsigned char> page;
  for (PageNumber number = 1; checksums_ && number <= count_; ++number) {
    read(number, page);
    const PageBytes bytes(page.data(), database_page_bytes);
    if (is_as_written(number, bytes)) continue;
    bool right = put_bit_right(number, whole(page));
    bits_ += right ? 1 : 0;
    if (!right && number == 1) {  // perhaps nothing else is wrong with it
      mend_header(page);
      right = checksum_is_right(number, bytes);
    }
    if (right) write(number, page);
    if (!right) damaged_.insert(number);
  }
  read(1, page);
  const std::uint64_t wanted = number_at(page, pages_at);
  if (damaged_.contains(1) || wanted <= count_ || wanted > std::uint64_t{count_} * most_growth)
    return;
  std::error_code none;  // what was cut off: SQLite opens no file that is shorter than it says
  database_.flush();
  std::filesystem::resize_file(files_.database, wanted * database_page_bytes, none);
  for (std::uint64_t number = count_ + 1; number <= wanted; ++number)
    damaged_.insert(static_cast<PageNumber>(number));
}

bool DamagedPages::read_free_list(std::set<PageNumber>& free) {
  std::vector<unsigned char> page;
  read(1, page);
  if (damaged_.contains(1)) return false;
  PageNumber trunk = number_at(page, free_list_at);
  while (trunk != 0) {
    if (is_damaged(trunk) || trunk > count_ || !free.insert(trunk).second || !read(trunk, page))
      return false;
    const std::uint32_t leaves = number_at(page, 4);
    if (leaves > usable_ / 4 - 2) return false;
    for (std::uint32_t i = 0; i < leaves; ++i) free.insert(number_at(page, 8 + 4 * std::size_t{i}));
    trunk = number_at(page, 0);
  }
  return true;
}

}  // namespace wxpush::queue
