#pragma once
// The last 8 bytes of every page of queue.db are a checksum of the others, so that a page that the
// disk returns otherwise than it was written is an error, never an answer. SQLite leaves them alone
// (its "reserved bytes", byte 20 of the file); the VFS writes and compares them. The log needs
// none: SQLite sums it itself. It lies on the disk: never change it.

#include <cstddef>
#include <cstdint>
#include <span>

namespace wxpush::queue {

constexpr std::size_t database_page_bytes = 8192;
constexpr std::size_t page_checksum_bytes = 8;
constexpr std::size_t reserved_bytes_at = 20;  // in the first page

using PageBytes = std::span<const unsigned char, database_page_bytes>;
using MutablePage = std::span<unsigned char, database_page_bytes>;

// CRC-64 (ECMA-182, reflected, begun with 0, not inverted): finds every single and double bit,
// every run of up to 64, and all else but one in 2^64. A page of zeros, which was never written,
// has 0.
std::uint64_t page_checksum(PageBytes page) noexcept;
std::uint64_t stored_checksum(PageBytes page) noexcept;  // little-endian
void store_checksum(MutablePage page) noexcept;

// If one bit is wrong, and no more, it is known which: puts it right. False: there is no such bit.
bool put_bit_right(MutablePage page) noexcept;

// Whether a database has checksums, by its first page: also if its byte 20, which says so, is what
// was damaged.
bool has_checksums(PageBytes first_page) noexcept;

}  // namespace wxpush::queue
