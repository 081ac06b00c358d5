#pragma once
// A write-ahead log read frame by frame (wal_file.h). For wal_*.cpp and damaged_pages.cpp.

#include "handlers/queue/page_checksum.h"

#include <cstddef>
#include <cstdint>
#include <istream>
#include <vector>

namespace wxpush::queue::wal {

constexpr std::size_t header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;
constexpr std::size_t frame_bytes = frame_header_bytes + database_page_bytes;
constexpr std::size_t sector_bytes = 512;  // the least that a disk writes whole

using Bytes = std::vector<unsigned char>;

struct Frame {
  std::uint32_t page = 0;
  std::uint32_t database_pages = 0;  // after this commit; else 0
  bool commit = false;
  bool of_this_log = false;  // its salts are the log's
  bool right = false;        // its checksum, from that of the frame before
  bool whole = false;        // all of it, and of all before it: SQLite reads it
  // It is not right, and its header lies in two sectors: after a power cut one half may be that of
  // an older log's frame, which lay there before. So it may not be the commit that it looks like.
  bool of_two_halves = false;
};

struct Scan {
  bool header = false;  // whole
  std::uint64_t salts = 0;
  std::vector<Frame> frames;
};

Scan scan(std::istream& file);

// Fills `into`, or answers false.
bool read_at(std::istream& file, std::uint64_t offset, Bytes& into);
inline std::uint64_t frame_at(std::size_t index) {
  return header_bytes + std::uint64_t{index} * frame_bytes;
}
std::uint32_t number_at(const Bytes& bytes, std::size_t at);  // big-endian
std::uint64_t two_at(const Bytes& bytes, std::size_t at);
// What SQLite's running checksum is after this frame.
std::uint64_t sum_after(std::uint64_t before, const Bytes& frame);

}  // namespace wxpush::queue::wal
