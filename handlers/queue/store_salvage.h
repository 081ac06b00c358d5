#pragma once
// What is still readable of a damaged store, as a new store. docs/store.md, "Salvage".

#include "handlers/base/clock.h"
#include "handlers/queue/body_cipher.h"
#include "handlers/queue/disk.h"
#include "handlers/queue/store_check.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::crypto {
class Random;
}

namespace wxpush::queue {

struct SalvageReport {
  std::uint64_t events = 0;   // saved
  std::uint64_t counted = 0;  // by the damaged store; 0 if that could not be read
  std::uint64_t bits_put_right = 0;
  std::uint64_t damaged_pages = 0;  // that stayed damaged
  std::vector<RowId> aside;         // events that do not prove themselves: files in `aside`
  // Ids without an event, if some are lost: from, to. Those of events that were erased are among
  // them. The first 10,000.
  std::vector<std::pair<RowId, RowId>> missing;
  std::vector<std::string> lost;  // what else is lost, and what follows from it
  Incarnation incarnation = 0;
  bool everything() const noexcept { return aside.empty() && missing.empty() && lost.empty(); }
};

// Makes `target`, which must not exist; needs room for the damaged store twice. The store itself is
// read only, under its lock. Throws StoreOpenError: 65 the target exists, 69 no store, 74 the disk
// fails, 75 a process has the store, 77, 78. Sealed bodies stay sealed; `body_keys` prove those on
// damaged pages, which are put aside without.
SalvageReport salvage(const std::filesystem::path& store, const std::filesystem::path& target,
                      const std::vector<BodyKey>& body_keys, Clock& clock, Disk& disk,
                      crypto::Random& random, const Progress& progress);

}  // namespace wxpush::queue
