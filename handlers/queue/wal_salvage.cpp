// Reading a damaged log.

#include "handlers/queue/log_witness.h"
#include "handlers/queue/wal_file.h"
#include "handlers/queue/wal_scan.h"

#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <utility>

namespace wxpush::queue {
namespace {

using namespace wal;

// The one bit of `bytes` (from the first byte's lowest) that, changed, makes `sum`, which is
// theirs, what was wanted. A word adds itself times a factor of its place to each sum: those of the
// last pair are (1, 1) and (0, 1), and each pair that follows turns (a, b) into (a + b, a + 2b).
// Nothing if there is none, or more than one: the sums hardly tell the high bits of words apart.
std::optional<std::size_t> find_wrong_bit(std::span<const unsigned char> bytes, std::uint64_t sum,
                                          std::uint64_t wanted) {
  const auto first = static_cast<std::uint32_t>((wanted >> 32) - (sum >> 32));
  const auto second = static_cast<std::uint32_t>(wanted - sum);
  std::array<std::array<std::uint32_t, 2>, 2> factors{{{1, 1}, {0, 1}}};
  std::optional<std::size_t> found;
  for (std::size_t pair = bytes.size() / 8; pair-- > 0;) {
    for (std::size_t word = 0; word < 2; ++word) {
      std::uint32_t value = 0;
      std::memcpy(&value, bytes.data() + pair * 8 + word * 4, sizeof value);
      for (unsigned bit = 0; bit < 32; ++bit) {
        const std::uint32_t one = std::uint32_t{1} << bit;
        const std::uint32_t change = (value & one) != 0 ? 0U - one : one;
        if (factors[word][0] * change != first || factors[word][1] * change != second) continue;
        if (found) return std::nullopt;
        found = pair * 64 + word * 32 + bit;
      }
    }
    for (auto& [a, b] : factors) {
      a += b;
      b += a;
    }
  }
  return found;
}

// Of a frame whose checksum does not hold: the one bit that is wrong, in it or in a checksum.
bool put_frame_right(std::istream& log, std::size_t index, Bytes& frame) {
  Bytes stored(8);
  if (!read_at(log, index == 0 ? 24 : frame_at(index - 1) + 16, stored)) return false;
  const std::uint64_t before = two_at(stored, 0);
  const std::uint64_t wanted = two_at(frame, 16);
  const std::uint64_t sum = sum_after(before, frame);
  if (sum == wanted || std::popcount(sum ^ wanted) == 1) return true;  // its salts; its checksum
  for (unsigned bit = 0; bit < 64; ++bit) {                            // the checksum before it
    if (sum_after(before ^ std::uint64_t{1} << bit, frame) == wanted) return true;
  }
  Bytes summed(frame.begin(), frame.begin() + 8);
  summed.insert(summed.end(), frame.begin() + frame_header_bytes, frame.end());
  const auto bit = find_wrong_bit(summed, sum, wanted);
  if (!bit) return false;
  const std::size_t at = *bit / 8 < 8 ? *bit / 8 : *bit / 8 + frame_header_bytes - 8;
  frame[at] = static_cast<unsigned char>(frame[at] ^ (1U << (*bit % 8)));
  return true;
}

// The frames of one commit. False: one of them is damaged.
bool read_commit(std::istream& log, const Scan& found, std::size_t first, std::size_t end,
                 std::uint64_t& bits, std::vector<LoggedPage>& pages) {
  bool all_whole = true;
  Bytes frame(frame_bytes);
  for (std::size_t i = first; i < end; ++i) {
    if (!read_at(log, frame_at(i), frame)) return false;
    bool whole = found.frames[i].right;
    if (!whole && put_frame_right(log, i, frame)) {
      ++bits;
      whole = true;
    }
    all_whole = all_whole && whole;
    pages.push_back({.number = number_at(frame, 0),
                     .whole = whole,
                     .bytes = Bytes(frame.begin() + frame_header_bytes, frame.end())});
  }
  return all_whole;
}

}  // namespace

DamagedLog read_damaged_log(const StoreFiles& files) {
  DamagedLog read;
  std::ifstream log(files.wal, std::ios::binary);
  if (!log) return read;
  const Scan found = scan(log);
  std::vector<std::size_t> ends;  // of commits, behind their last frame
  for (std::size_t i = 0; i < found.frames.size(); ++i)
    if (found.frames[i].commit && found.frames[i].of_this_log) ends.push_back(i + 1);
  const std::optional<WitnessedLog> witness = read_witness(files);
  const std::uint64_t known = witness && witness->salts == found.salts ? witness->frames : 0;
  std::size_t first = 0;
  for (const std::size_t end : ends) {
    std::vector<LoggedPage> pages;
    std::uint64_t bits = 0;
    const bool whole = read_commit(log, found, first, end, bits, pages);
    // What a power cut tore was never acknowledged, and the pages before it are good.
    if (!whole && end == ends.back() && end > known) break;
    read.bits_put_right += bits;
    read.database_pages = found.frames[end - 1].database_pages;
    for (LoggedPage& page : pages) read.pages[page.number] = std::move(page);
    first = end;
  }
  return read;
}

}  // namespace wxpush::queue
