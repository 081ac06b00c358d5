#include "handlers/queue/wal_scan.h"

#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <span>

namespace wxpush::queue::wal {
namespace {

// Whose checksums are over little-endian words: that of every machine that this runs on.
constexpr std::uint32_t magic = 0x377f0682;
constexpr std::uint32_t format = 3007000;

// SQLite's running checksum of a log: two sums of 32 bits, each adding the other in.
std::uint64_t add_to_sum(std::uint64_t sum, std::span<const unsigned char> bytes) {
  auto first = static_cast<std::uint32_t>(sum >> 32);
  auto second = static_cast<std::uint32_t>(sum);
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    std::array<std::uint32_t, 2> words;
    std::memcpy(words.data(), bytes.data() + at, sizeof words);
    first += words[0] + second;
    second += words[1] + first;
  }
  return std::uint64_t{first} << 32 | second;
}

// The header's salts, or, if it is damaged, the newest that frames have: behind the frames of this
// log those of an older one may lie. The first salt counts the logs of a database. What stands in
// one frame alone may be damage, and no commit is that small.
std::uint64_t salts_of(std::istream& file, const Bytes& header, bool whole) {
  if (whole) return two_at(header, 16);
  std::map<std::uint64_t, std::size_t> found;
  Bytes frame(frame_header_bytes);
  for (std::size_t i = 0; read_at(file, frame_at(i), frame); ++i) ++found[two_at(frame, 8)];
  std::optional<std::uint64_t> newest;
  for (const auto& [salts, frames] : found) {
    const auto since = [&] { return static_cast<std::uint32_t>((salts >> 32) - (*newest >> 32)); };
    if (frames > 1 && (!newest || since() < 0x80000000U)) newest = salts;
  }
  return newest.value_or(0);
}

}  // namespace

std::uint32_t number_at(const Bytes& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}
std::uint64_t two_at(const Bytes& bytes, std::size_t at) {
  return std::uint64_t{number_at(bytes, at)} << 32 | number_at(bytes, at + 4);
}

std::uint64_t sum_after(std::uint64_t before, const Bytes& frame) {
  const std::span<const unsigned char> bytes(frame);
  return add_to_sum(add_to_sum(before, bytes.first(8)), bytes.subspan(frame_header_bytes));
}

bool read_at(std::istream& file, std::uint64_t offset, Bytes& into) {
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
  return file.gcount() == static_cast<std::streamsize>(into.size());
}

Scan scan(std::istream& file) {
  Scan found;
  Bytes header(header_bytes);
  if (!read_at(file, 0, header)) return found;
  const std::uint64_t sum = add_to_sum(0, std::span<const unsigned char>(header).first(24));
  found.header = number_at(header, 0) == magic && number_at(header, 4) == format &&
                 number_at(header, 8) == database_page_bytes && sum == two_at(header, 24);
  found.salts = salts_of(file, header, found.header);
  bool whole = found.header;
  std::uint64_t before = two_at(header, 24);
  Bytes frame(frame_bytes);
  for (std::size_t i = 0; read_at(file, frame_at(i), frame); ++i) {
    Frame one{.page = number_at(frame, 0), .database_pages = number_at(frame, 4)};
    one.commit = one.database_pages != 0;
    one.of_this_log = two_at(frame, 8) == found.salts;
    one.right = one.of_this_log && one.page != 0 && sum_after(before, frame) == two_at(frame, 16);
    whole = whole && one.right;
    one.whole = whole;
    const std::uint64_t last_of_header = frame_at(i) + frame_header_bytes - 1;
    one.of_two_halves = !one.right && frame_at(i) / sector_bytes != last_of_header / sector_bytes;
    before = two_at(frame, 16);
    found.frames.push_back(one);
  }
  return found;
}

}  // namespace wxpush::queue::wal
