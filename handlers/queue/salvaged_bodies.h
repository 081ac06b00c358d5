#pragma once
// Parts of a salvage (store_salvage.h): whether a body that was found is the one that was stored.

#include "handlers/queue/body_cipher.h"
#include "handlers/queue/event_scan.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::queue {

class SalvagedBodies {
 public:
  explicit SalvagedBodies(const std::vector<BodyKey>& keys) : keys_(keys) {}

  enum class Proof {
    proven,   // by its event_id: the SHA-256 of a body in the clear, the tag of a sealed one
    refuted,  // it is not what its event_id says
    sealed,   // with a key that is not at hand
  };
  struct Judged {
    Proof proof = Proof::refuted;
    std::string message;  // in the clear; empty unless it is proven
  };
  Judged judge(const FoundEvent& found);

  // Which key has which number in this store, as far as bodies have told.
  const std::map<std::uint32_t, std::string>& marks() const noexcept { return marks_; }

 private:
  std::optional<std::string> open(const FoundEvent& found);

  const std::vector<BodyKey>& keys_;
  std::map<std::uint32_t, std::string> marks_;
};

}  // namespace wxpush::queue
