// Reading a damaged log.

#include "handlers/queue/log_witness.h"
#include "handlers/queue/wal_file.h"
#include "handlers/queue/wal_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace wxpush::queue {
namespace {

using namespace wal;

// The bits of `bytes` (from the first byte's lowest) each of which, changed, makes `sum`, which is
// theirs, what was wanted; not more than two. A word adds itself times a factor of its place to
// each sum: those of the last pair are (1, 1) and (0, 1), and each pair that follows turns (a, b)
// into (a + b, a + 2b). The sums hardly tell the high bits of words apart.
std::vector<std::size_t> possible_bits(std::span<const unsigned char> bytes, std::uint64_t sum,
                                       std::uint64_t wanted) {
  const auto first = static_cast<std::uint32_t>((wanted >> 32) - (sum >> 32));
  const auto second = static_cast<std::uint32_t>(wanted - sum);
  std::array<std::array<std::uint32_t, 2>, 2> factors{{{1, 1}, {0, 1}}};
  std::vector<std::size_t> found;
  for (std::size_t pair = bytes.size() / 8; pair-- > 0;) {
    for (std::size_t word = 0; word < 2; ++word) {
      std::uint32_t value = 0;
      std::memcpy(&value, bytes.data() + pair * 8 + word * 4, sizeof value);
      for (unsigned bit = 0; bit < 32; ++bit) {
        const std::uint32_t one = std::uint32_t{1} << bit;
        const std::uint32_t change = (value & one) != 0 ? 0U - one : one;
        if (factors[word][0] * change != first || factors[word][1] * change != second) continue;
        found.push_back(pair * 64 + word * 32 + bit);
        if (found.size() > 1) return found;
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
bool put_frame_right(std::istream& log, std::size_t index, Bytes& frame, bool sum_before_is_right) {
  Bytes stored(8);
  if (!read_at(log, index == 0 ? 24 : frame_at(index - 1) + 16, stored)) return false;
  const std::uint64_t before = two_at(stored, 0);
  const std::uint64_t wanted = two_at(frame, 16);
  const std::uint64_t sum = sum_after(before, frame);
  if (sum == wanted) return true;  // it is its salts
  Bytes summed(frame.begin(), frame.begin() + 8);
  summed.insert(summed.end(), frame.begin() + frame_header_bytes, frame.end());
  // A bit of its own checksum, or of the one before it, would look like some of the page's high
  // bits: where there are two explanations, there is none.
  std::size_t others = std::popcount(sum ^ wanted) == 1 ? 1 : 0;
  for (unsigned one = 0; one < 64 && !sum_before_is_right; ++one)
    others += sum_after(before ^ std::uint64_t{1} << one, frame) == wanted ? 1 : 0;
  const std::vector<std::size_t> bits = possible_bits(summed, sum, wanted);
  if (bits.size() + others != 1) return false;
  for (const std::size_t bit : bits) {
    const std::size_t at = bit / 8 < 8 ? bit / 8 : bit / 8 + frame_header_bytes - 8;
    frame[at] = static_cast<unsigned char>(frame[at] ^ (1U << (bit % 8)));
  }
  return true;
}

struct Commit {
  std::vector<LoggedPage> pages;
  std::uint64_t database_pages = 0;  // after it
  std::uint64_t bits_put_right = 0;
  std::uint64_t unknown_pages = 0;
  bool whole = true;
};

// `database_pages`: before it.
Commit read_commit(std::istream& log, const Scan& found, std::size_t first, std::size_t end,
                   std::uint64_t database_pages) {
  Commit commit;
  commit.database_pages = database_pages;
  std::uint64_t highest = 0;
  Bytes frame(frame_bytes);
  for (std::size_t i = first; i < end; ++i) {
    if (!read_at(log, frame_at(i), frame)) {
      commit.whole = false;
      return commit;
    }
    bool whole = found.frames[i].right;
    const bool right_before = i == 0 ? found.header : found.frames[i - 1].right;
    if (!whole && put_frame_right(log, i, frame, right_before)) {
      ++commit.bits_put_right;
      whole = true;
    }
    commit.whole = commit.whole && whole;
    if (!whole && !found.frames[i].of_this_log) ++commit.unknown_pages;
    if (whole) highest = std::max<std::uint64_t>(highest, number_at(frame, 0));
    // Of one that stays damaged it is not believed how large the database is.
    if (i + 1 == end)
      commit.database_pages = whole ? number_at(frame, 4) : std::max(database_pages, highest);
    commit.pages.push_back({.number = number_at(frame, 0),
                            .whole = whole,
                            .bytes = Bytes(frame.begin() + frame_header_bytes, frame.end())});
  }
  return commit;
}

}  // namespace

DamagedLog read_damaged_log(const StoreFiles& files) {
  DamagedLog read;
  std::ifstream log(files.wal, std::ios::binary);
  if (!log) return read;
  const Scan found = scan(log);
  const std::optional<WitnessedLog> witness = read_witness(files);
  const std::uint64_t known = witness && witness->salts == found.salts ? witness->frames : 0;
  std::vector<std::size_t> ends;  // of commits, behind their last frame
  for (std::size_t i = 0; i < found.frames.size(); ++i) {
    const Frame& frame = found.frames[i];
    const bool says_so = frame.commit && frame.of_this_log && (i < known || !frame.of_two_halves);
    if (says_so || i + 1 == known) ends.push_back(i + 1);  // LOCK knows of whole commits
  }
  std::size_t first = 0;
  for (const std::size_t end : ends) {
    Commit commit = read_commit(log, found, first, end, read.database_pages);
    // What a power cut tore was never acknowledged, and the pages before it are good.
    if (!commit.whole && end == ends.back() && end > known) break;
    read.bits_put_right += commit.bits_put_right;
    read.unknown_pages += commit.unknown_pages;
    read.database_pages = commit.database_pages;
    for (LoggedPage& page : commit.pages) read.pages[page.number] = std::move(page);
    first = end;
  }
  return read;
}

}  // namespace wxpush::queue
