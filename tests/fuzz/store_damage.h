#pragma once
// What an input does to the files of a store, and how whoever owns the disk makes its checksums
// right again.

#include <cstdint>
#include <span>
#include <string>

namespace wxpush::fuzz {

struct StoreBytes {
  std::string database, log, lock;
  friend bool operator==(const StoreBytes&, const StoreBytes&) = default;
};

// Records of five bytes: what to do and to which file, where (24 bits), with what.
void damage(StoreBytes& store, std::span<const std::uint8_t> records);

// The checksums of pages and of frames that differ from `original`'s. The log's frames get its
// header's salts, too: with others they are another log's.
void put_sums_right(StoreBytes& store, const StoreBytes& original);

// Whole frames in the log of a store whose sums are right.
std::uint64_t frames_of(const StoreBytes& store);

// Whether the log is changed where its sums say that it is whole: they hardly tell the high bits of
// words apart, so that two changes may hide each other.
bool log_hides_change(const StoreBytes& store, const StoreBytes& original);

}  // namespace wxpush::fuzz
