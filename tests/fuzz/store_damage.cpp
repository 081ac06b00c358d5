#include "tests/fuzz/store_damage.h"

#include "handlers/queue/page_checksum.h"
#include "handlers/queue/wal_scan.h"

#include <algorithm>
#include <sstream>

using namespace wxpush::queue;

namespace wxpush::fuzz {
namespace {

constexpr std::size_t record_bytes = 5;
constexpr std::size_t header_sum_at = 24;  // in the log; its salts before it
constexpr std::size_t frame_sum_at = 16;

void change(std::string& file, const std::uint8_t* record) {
  if (file.empty()) return;
  const std::size_t at =
      (std::size_t{record[1]} | std::size_t{record[2]} << 8U | std::size_t{record[3]} << 16U) %
      file.size();
  const std::uint8_t value = record[4];
  constexpr std::size_t page = database_page_bytes;
  const auto run = std::min<std::size_t>(1 + value * 64U, file.size() - at);
  switch ((record[0] & 0x3FU) % 6) {
    case 0:
      file[at] = static_cast<char>(value);
      break;
    case 1:
      file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ (1U << value % 8U));
      break;
    case 2:
      file.replace(at, run, run, '\0');
      break;
    case 3:  // one page in the place of another
      if (at / page * page + page > file.size()) break;
      file.replace(at / page * page, page, file.substr(value % (file.size() / page) * page, page));
      break;
    case 4:
      file.resize(at);
      break;
    default:
      file.replace(at, run, file.substr(0, run));
  }
}

void put_big_endian(std::string& file, std::size_t at, std::uint64_t value) {
  for (std::size_t i = 0; i < 8; ++i) file[at + i] = static_cast<char>(value >> (56 - 8 * i));
}

wal::Bytes part(const std::string& file, std::size_t at, std::size_t size) {
  const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at);
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

// sum_after leaves out what stands between a frame's first 8 bytes and its page.
std::uint64_t header_sum(const std::string& log) {
  wal::Bytes as_frame = part(log, 0, header_sum_at);
  as_frame.insert(as_frame.begin() + 8, wal::frame_header_bytes - 8, 0);
  return wal::sum_after(0, as_frame);
}

void put_pages_right(std::string& database, const std::string& original) {
  for (std::size_t at = 0; at + database_page_bytes <= database.size(); at += database_page_bytes) {
    if (database.compare(at, database_page_bytes, original, at, database_page_bytes) == 0) continue;
    auto* bytes = reinterpret_cast<unsigned char*>(database.data() + at);
    store_checksum(static_cast<PageNumber>(at / database_page_bytes + 1),
                   MutablePage(bytes, database_page_bytes));
  }
}

void put_log_right(std::string& log, const std::string& original) {
  if (log == original || log.size() < wal::header_bytes) return;
  const auto same = [&](std::size_t at, std::size_t size) {
    return log.compare(at, size, original, at, size) == 0;
  };
  std::size_t at = wal::header_bytes;
  if (!same(0, wal::header_bytes)) {
    put_big_endian(log, header_sum_at, header_sum(log));
  } else {
    while (at + wal::frame_bytes <= std::min(log.size(), original.size()) &&
           same(at, wal::frame_bytes))
      at += wal::frame_bytes;
  }
  const std::size_t before_at =
      at == wal::header_bytes ? header_sum_at : at - wal::frame_bytes + frame_sum_at;
  std::uint64_t sum = wal::two_at(part(log, before_at, 8), 0);
  for (; at + wal::frame_bytes <= log.size(); at += wal::frame_bytes) {
    log.replace(at + 8, 8, log, header_sum_at - 8, 8);
    sum = wal::sum_after(sum, part(log, at, wal::frame_bytes));
    put_big_endian(log, at + frame_sum_at, sum);
  }
}

}  // namespace

void damage(StoreBytes& store, std::span<const std::uint8_t> records) {
  for (; records.size() >= record_bytes; records = records.subspan(record_bytes)) {
    const unsigned file = records[0] >> 6U;
    change(file < 2 ? store.database : file == 2 ? store.log : store.lock, records.data());
  }
}

void put_sums_right(StoreBytes& store, const StoreBytes& original) {
  put_pages_right(store.database, original.database);
  put_log_right(store.log, original.log);
}

std::uint64_t frames_of(const StoreBytes& store) {
  if (store.log.size() < wal::header_bytes) return 0;
  return (store.log.size() - wal::header_bytes) / wal::frame_bytes;
}

bool log_hides_change(const StoreBytes& store, const StoreBytes& original) {
  if (store.log == original.log) return false;
  std::istringstream log(store.log);
  const wal::Scan found = wal::scan(log);
  if (found.header &&
      store.log.compare(0, wal::header_bytes, original.log, 0, wal::header_bytes) != 0)
    return true;
  for (std::size_t i = 0; i < found.frames.size(); ++i) {
    const std::uint64_t at = wal::frame_at(i);
    if (found.frames[i].whole &&
        store.log.compare(at, wal::frame_bytes, original.log, at, wal::frame_bytes) != 0)
      return true;
  }
  return false;
}

}  // namespace wxpush::fuzz
