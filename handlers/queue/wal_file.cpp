#include "handlers/queue/wal_file.h"

#include "handlers/queue/log_witness.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/wal_scan.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <system_error>

namespace wxpush::queue {
namespace {

using namespace wal;

// A log that begins anew overwrites its header alone, after all that it held was written back. So a
// header that is broken loses something only if a page of the log is not what the database has.
bool written_back(const Scan& found, std::istream& log, const std::filesystem::path& database) {
  std::ifstream pages(database, std::ios::binary);
  std::map<std::uint32_t, std::size_t> newest;  // page → frame
  std::map<std::uint32_t, std::size_t> waiting;
  for (std::size_t i = 0; i < found.frames.size(); ++i) {
    if (!found.frames[i].of_this_log) continue;
    waiting[found.frames[i].page] = i;
    if (!found.frames[i].commit) continue;
    for (const auto& [page, frame] : waiting) newest[page] = frame;
    waiting.clear();
  }
  Bytes logged(database_page_bytes);
  Bytes stored(database_page_bytes);
  for (const auto& [page, frame] : newest) {
    if (page == 0 || !read_at(log, frame_at(frame) + frame_header_bytes, logged)) return false;
    if (!read_at(pages, (std::uint64_t{page} - 1) * database_page_bytes, stored)) return false;
    if (!std::equal(logged.begin(), logged.end() - page_checksum_bytes, stored.begin()))
      return false;
  }
  return true;
}

std::uint64_t commits_of(const Scan& found, bool whole) {
  return static_cast<std::uint64_t>(
      std::count_if(found.frames.begin(), found.frames.end(), [&](const Frame& frame) {
        return frame.commit && frame.of_this_log && frame.whole == whole && !frame.of_two_halves;
      }));
}

// How many frames at the end are known to have been there, of this very log, and are not whole.
std::uint64_t missing_frames(const Scan& found, const std::optional<WitnessedLog>& witness) {
  if (!witness || witness->frames == 0) return 0;
  const bool other_log = found.header && found.salts != witness->salts;
  if (other_log) return 0;
  const auto whole = static_cast<std::uint64_t>(std::count_if(
      found.frames.begin(), found.frames.end(), [](const Frame& frame) { return frame.whole; }));
  return witness->frames > whole ? witness->frames - whole : 0;
}

// A store has a page on the disk before it has a log. SQLite takes one byte for none.
bool has_no_page(const std::filesystem::path& database) {
  std::error_code none;
  return std::filesystem::file_size(database, none) <= 1 || none;
}

std::string describe(const Scan& found, const LogVerdict& verdict) {
  if (verdict.alone)
    return "its database is empty or gone, and " + std::to_string(verdict.commits + verdict.lost) +
           " commits lie in its log";
  if (verdict.lost == 0)
    return "the end of its log is missing, " + std::to_string(verdict.missing) + " pages of it";
  return std::string("its log is damaged ") +
         (found.header ? "in the middle" : "at its beginning") + ", and " +
         std::to_string(verdict.lost) + " commits lie behind that";
}

}  // namespace

LogVerdict inspect_log(const StoreFiles& files) {
  LogVerdict verdict;
  std::ifstream log(files.wal, std::ios::binary);
  const Scan found = scan(log);  // of one that is not there: nothing
  verdict.commits = commits_of(found, true);
  verdict.lost = commits_of(found, false);
  verdict.missing = missing_frames(found, read_witness(files));
  const bool header_lost = !found.header && verdict.lost > 0;
  if (header_lost && written_back(found, log, files.database)) return verdict;
  // Without a witness the last commit of all may be torn: its sync had not returned.
  verdict.alone = verdict.commits + verdict.lost > 0 && has_no_page(files.database);
  verdict.damaged = header_lost || verdict.lost >= 2 || verdict.missing > 0 || verdict.alone;
  if (verdict.damaged) verdict.what = describe(found, verdict);
  return verdict;
}

void refuse_damaged_log(const StoreFiles& files) {
  const LogVerdict verdict = inspect_log(files);
  if (!verdict.damaged) return;
  throw StoreOpenError(exit_store_failed,
                       "the store " + files.directory.string() + " is damaged: " + verdict.what +
                           "; SQLite would forget them: `wxpush store salvage` saves them");
}

}  // namespace wxpush::queue
