#pragma once
// The table quarantine: pushes that could not be opened, two rings of bounded size. What memory
// holds (the sizes) is what is committed. Owned by the writer thread.

#include "handlers/queue/event_record.h"
#include "handlers/queue/meta.h"
#include "handlers/queue/sqlite.h"

#include <array>
#include <cstdint>
#include <map>

namespace wxpush::queue {

class QuarantineTable {
 public:
  QuarantineTable(Connection& connection, Meta& meta, std::uint64_t entries, std::uint64_t bytes);

  // In a transaction; committed() or rolled_back() is to follow.
  void add(const QuarantinedPush& push);  // the oldest of its ring make room
  void remove(std::uint64_t id);
  void committed() noexcept { touched_ = false; }
  void rolled_back() {
    if (touched_) load();
  }

  std::uint64_t count() const noexcept;

 private:
  struct Ring {
    std::map<std::uint64_t, std::uint64_t> sizes;  // id → bytes
    std::uint64_t bytes = 0;
  };
  void load();
  void make_room(Ring& ring, std::uint64_t size);
  void erase(Ring& ring, std::uint64_t id);

  Meta& meta_;
  std::uint64_t max_entries_, max_bytes_;
  Statement insert_, delete_, sizes_;
  std::array<Ring, 2> rings_;
  std::uint64_t next_id_ = 1;
  bool touched_ = false;
};

}  // namespace wxpush::queue
