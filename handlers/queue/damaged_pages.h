#pragma once
// A copy of a damaged store, page by page: what can be put right is put right, what cannot is
// known.

#include "handlers/queue/page_checksum.h"
#include "handlers/queue/store_files.h"

#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace wxpush::queue {

class DamagedPages {
 public:
  // Writes the copy's log into its database, puts single bits right, fills what was cut off with
  // zeros, and replaces what every store's first 100 bytes say alike.
  explicit DamagedPages(const StoreFiles& copy);

  PageNumber count() const noexcept { return count_; }
  std::size_t usable() const noexcept { return usable_; }  // bytes of a page before its checksum
  bool read(PageNumber number, std::vector<unsigned char>& into);
  bool is_damaged(PageNumber number) const { return damaged_.contains(number); }
  const std::set<PageNumber>& damaged() const noexcept { return damaged_; }
  // Pages that hold nothing now, though what they held may still be there. Answers false if the
  // list of them is damaged, too.
  bool read_free_list(std::set<PageNumber>& free);
  std::uint64_t bits_put_right() const noexcept { return bits_; }
  // Of the log; nobody can say which, so an older version of them may be what is here.
  std::uint64_t unknown() const noexcept { return unknown_; }

 private:
  void apply_log();
  bool look_for_checksums();
  void mend_pages();
  void mend_header(std::vector<unsigned char>& page) const;
  void write(PageNumber number, const std::vector<unsigned char>& page);

  StoreFiles files_;
  std::fstream database_;
  PageNumber count_ = 0;
  bool checksums_ = false;
  std::size_t usable_ = database_page_bytes;
  std::uint64_t bits_ = 0;
  std::uint64_t unknown_ = 0;
  std::set<PageNumber> damaged_;
};

}  // namespace wxpush::queue
