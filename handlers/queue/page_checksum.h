#pragma once
// The last 8 bytes of every page of queue.db are a checksum of the others, so that a page that the
// disk returns otherwise than it was written is an error, never an answer. SQLite leaves them alone
// (its "reserved bytes", byte 20 of the file); the VFS writes and compares them. The log needs
// none: SQLite sums it itself. It lies on the disk: never change it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace wxpush::queue {

constexpr std::size_t database_page_bytes = 8192;
constexpr std::size_t page_checksum_bytes = 8;
constexpr std::size_t reserved_bytes_at = 20;  // in the first page

using PageBytes = std::span<const unsigned char, database_page_bytes>;
using MutablePage = std::span<unsigned char, database_page_bytes>;

using PageNumber = std::uint32_t;  // SQLite's: the first is 1

// CRC-64 (ECMA-182, reflected, not inverted), begun with the page's number, so that a page that was
// written to another's place is found, too. Finds every single and double bit, every run of up to
// 64, and all else but one in 2^64.
std::uint64_t page_checksum(PageNumber number, PageBytes page) noexcept;
std::uint64_t stored_checksum(PageBytes page) noexcept;  // little-endian
void store_checksum(PageNumber number, MutablePage page) noexcept;

bool checksum_is_right(PageNumber number, PageBytes page) noexcept;

// As a page is that was never written: a hole in the file, with no checksum. Nothing that counts
// lies on one.
bool is_all_zeros(PageBytes page) noexcept;

// The checksum is right, or there can be none.
bool is_as_written(PageNumber number, PageBytes page) noexcept;

// If one bit is wrong, and no more, it is known which: puts it right. False: there is no such bit.
bool put_bit_right(PageNumber number, MutablePage page) noexcept;

// Whether a database has checksums, by its first page: also if its byte 20, which says so, is what
// was damaged.
bool has_checksums(PageBytes first_page) noexcept;

// The same by all of the database, where the first page may be damaged, and the one that counts
// stand in the log: then one of the next pages has a right checksum. `read`: a page, or nothing.
template <class Read>
bool any_has_checksum(const Read& read) {
  constexpr PageNumber enough = 64;
  if (const std::optional<PageBytes> first = read(1); first && has_checksums(*first)) return true;
  for (PageNumber number = 2; number <= enough; ++number) {
    const std::optional<PageBytes> page = read(number);
    if (!page) return false;
    if (checksum_is_right(number, *page)) return true;
  }
  return false;
}

}  // namespace wxpush::queue
