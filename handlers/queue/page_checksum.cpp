#include "handlers/queue/page_checksum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace wxpush::queue {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie there");

constexpr std::uint64_t polynomial = 0xC96C5795D7870F42ULL;
constexpr std::size_t summed_bytes = database_page_bytes - page_checksum_bytes;

// Eight bytes at a time: table n is a byte that n more bytes follow.
using Table = std::array<std::uint64_t, 256>;
constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::uint64_t value = byte;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1) != 0 ? value >> 1 ^ polynomial : value >> 1;
    tables[0][byte] = value;
  }
  for (std::size_t n = 1; n < tables.size(); ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint64_t before = tables[n - 1][byte];
      tables[n][byte] = tables[0][before & 0xFF] ^ before >> 8;
    }
  }
  return tables;
}
constexpr std::array<Table, 8> tables = make_tables();

}  // namespace

std::uint64_t page_checksum(PageNumber number, PageBytes page) noexcept {
  std::uint64_t sum = number;
  for (std::size_t at = 0; at < summed_bytes; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, page.data() + at, sizeof word);
    word ^= sum;
    sum = tables[7][word & 0xFF] ^ tables[6][word >> 8 & 0xFF] ^ tables[5][word >> 16 & 0xFF] ^
          tables[4][word >> 24 & 0xFF] ^ tables[3][word >> 32 & 0xFF] ^
          tables[2][word >> 40 & 0xFF] ^ tables[1][word >> 48 & 0xFF] ^ tables[0][word >> 56];
  }
  return sum;
}

std::uint64_t stored_checksum(PageBytes page) noexcept {
  std::uint64_t stored = 0;
  std::memcpy(&stored, page.data() + summed_bytes, sizeof stored);
  return stored;
}

void store_checksum(PageNumber number, MutablePage page) noexcept {
  const std::uint64_t sum = page_checksum(number, page);
  std::memcpy(page.data() + summed_bytes, &sum, sizeof sum);
}

bool checksum_is_right(PageNumber number, PageBytes page) noexcept {
  return page_checksum(number, page) == stored_checksum(page);
}

bool is_all_zeros(PageBytes page) noexcept {
  return std::ranges::all_of(page, [](unsigned char byte) { return byte == 0; });
}

bool is_as_written(PageNumber number, PageBytes page) noexcept {
  return checksum_is_right(number, page) || is_all_zeros(page);
}

// The sum is linear but for what the number adds: what one wrong bit changes depends on its place
// alone. From the last bit on, each place before is one more step of the division.
bool put_bit_right(PageNumber number, MutablePage page) noexcept {
  const std::uint64_t change = page_checksum(number, page) ^ stored_checksum(page);
  if (std::popcount(change) == 1) {  // it is one of the checksum's own
    store_checksum(number, page);
    return true;
  }
  std::uint64_t of_bit = polynomial;  // of the last byte's highest
  for (std::size_t bit = summed_bytes * 8; bit-- > 0;) {
    if (of_bit == change) {
      page[bit / 8] = static_cast<unsigned char>(page[bit / 8] ^ (1U << (bit % 8)));
      return true;
    }
    of_bit = (of_bit & 1) != 0 ? of_bit >> 1 ^ polynomial : of_bit >> 1;
  }
  return false;
}

bool has_checksums(PageBytes first_page) noexcept {
  if (first_page[reserved_bytes_at] == page_checksum_bytes) return true;
  std::array<unsigned char, database_page_bytes> otherwise;
  std::copy(first_page.begin(), first_page.end(), otherwise.begin());
  otherwise[reserved_bytes_at] = page_checksum_bytes;
  return checksum_is_right(1, otherwise);
}

}  // namespace wxpush::queue
