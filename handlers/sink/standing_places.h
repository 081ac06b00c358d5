#pragma once
// Places of one broker (queues, partitions) that confirm nothing while others do. Only one attempt
// at a time is let through to such a one, the probe: the few that may be on their way to the broker
// would soon all be waiting for it. And places that refuse all there is.

#include "handlers/base/clock.h"

#include <algorithm>
#include <chrono>
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
  // An attempt waited its time in vain; `others_do`: ones after it were confirmed meanwhile. One
  // that stands already may be probed again in either case. `newest` is the last ticket.
  void waited(const std::string& place, bool others_do, std::uint64_t newest) {
    if (place.empty()) return;
    if (const auto found = standing_.find(place); found != standing_.end()) {
      found->second.is_probed = false;
    } else if (others_do) {
      standing_.emplace(place, Standing{newest, false});
    }
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

  // One that refuses all at once may do so over this connection alone (a queue of RabbitMQ that had
  // no leader when the connection was made refuses what comes over it for good, seen with 3.10.8),
  // or may be full. True: it is time to try another connection; each time after twice as long.
  bool refused(const std::string& place, SteadyTime now, std::chrono::milliseconds patience) {
    if (place.empty()) return false;
    if (refusing_.size() >= most_refusing) refusing_.clear();
    auto& [since, pause] = refusing_.try_emplace(place, Refusing{now, patience}).first->second;
    if (now - since < pause) return false;
    since = now;
    pause = std::min(2 * pause, longest_pause);
    return true;
  }
  void took(const std::string& place) { refusing_.erase(place); }

 private:
  struct Standing {
    std::uint64_t newest;
    bool is_probed;
  };
  struct Refusing {
    SteadyTime since;
    std::chrono::milliseconds pause;
  };
  static constexpr std::size_t most_refusing = 1000;
  static constexpr std::chrono::milliseconds longest_pause{300'000};
  std::map<std::string, Standing> standing_;
  std::map<std::string, Refusing> refusing_;
};

}  // namespace wxpush::sink
