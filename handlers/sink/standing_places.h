#pragma once
// Places of one broker (queues, partitions) that confirm nothing while others do. Only one attempt
// at a time is let through to such a one, the probe: the few that may be on their way to the broker
// would soon all be waiting for it.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace wxpush::sink {

// By the broker's thread alone. An empty name is no place of its own: it never stands.
class StandingPlaces {
 public:
  // Whether an attempt may go there now. The one that may while it stands is its probe.
  bool admits(const std::string& place) {
    const auto found = standing_.find(place);
    return found == standing_.end() || !std::exchange(found->second.is_probed, true);
  }
  // An attempt waited its time in vain, while others were confirmed; `newest` is the last ticket.
  void stands(const std::string& place, std::uint64_t newest) {
    if (place.empty()) return;
    standing_.try_emplace(place, Standing{newest, false}).first->second.is_probed = false;
  }
  // Whether this attempt went there before that was known.
  bool stood_after(const std::string& place, std::uint64_t ticket) const {
    const auto found = standing_.find(place);
    return found != standing_.end() && ticket <= found->second.newest;
  }
  // It answered, well or not.
  void answered(const std::string& place) { standing_.erase(place); }
  // With the connection goes what was known of them.
  void forget() { standing_.clear(); }

 private:
  struct Standing {
    std::uint64_t newest;
    bool is_probed;
  };
  std::map<std::string, Standing> standing_;
};

}  // namespace wxpush::sink
