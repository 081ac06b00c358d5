#pragma once
// What is wrong with some of a broker's places (queues, partitions): ones that confirm nothing, and
// ones that refuse all there is. Few attempts are let through to those that confirm nothing, the
// probes: what may be on its way to the broker would soon all be waiting for them.

#include "handlers/base/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace wxpush::sink {

// By the broker's thread alone. Tickets are of attempts, and rise. An empty name is no place of its
// own: nothing is ever wrong with it. What is known outlives a connection: else what waits for a
// place that stands would fill each new one.
class StandingPlaces {
 public:
  using Ticket = std::uint64_t;

  // `patience`: how long a place may do badly before another connection is tried.
  explicit StandingPlaces(std::chrono::milliseconds patience)
      : patience_(patience), another_connection_{{}, patience} {}

  // Whether there are others. Else no place stands: then it is the broker.
  void are_several(bool several) noexcept { are_several_ = several; }

  // Whether an attempt may go there now. One that may while it stands is its probe. After one in
  // vain all others have their turn first, from when somebody asks: until then nobody may have had
  // any.
  bool admits(const std::string& name, SteadyTime now) {
    const auto found = standing_.find(name);
    if (found == standing_.end()) return true;
    if (turn_is_due_) turn_until_ = now + turn;
    turn_is_due_ = false;
    if (now < turn_until_ || probes_ == most_probes || found->second.is_probed) return false;
    found->second.is_probed = true;
    ++probes_;
    return true;
  }

  // An attempt waited its time in vain; `others_did`: ones after it were confirmed meanwhile.
  // `newest` is the last ticket.
  void waited(const std::string& name, bool others_did, Ticket newest) {
    if (name.empty() || !are_several_) return;
    did_badly(name);
    turn_is_due_ = true;
    if (const auto found = standing_.find(name); found != standing_.end()) {
      unprobe(found->second);
      found->second.others_did = others_did;
    } else if (standing_.size() < most_places) {
      standing_.emplace(name, Standing{newest, others_did, false});
    }
  }
  bool stands(const std::string& name) const { return standing_.contains(name); }
  // Whether this attempt went there before that was known.
  bool stood_after(const std::string& name, Ticket ticket) const {
    const auto found = standing_.find(name);
    return found != standing_.end() && ticket <= found->second.newest;
  }
  // For people.
  bool others_do(const std::string& name) const {
    const auto found = standing_.find(name);
    return bad_.empty() || (found != standing_.end() && found->second.others_did);
  }
  // A probe waited in vain, and nothing came after it. True: the connection may be the reason, and
  // it is time to try another one; each time after twice as long.
  bool is_for_another_connection(SteadyTime now) { return another_connection_.is_over(now); }
  void lost(SteadyTime now) {
    for (auto& [name, standing] : standing_) unprobe(standing);
    turn_is_due_ = true;
    another_connection_.since = now;
  }

  // It answered, well or not.
  void answered(const std::string& name) {
    const auto found = standing_.find(name);
    if (found == standing_.end()) return;
    unprobe(found->second);
    standing_.erase(found);
    if (standing_.empty()) another_connection_.pause = patience_;
  }
  void took(const std::string& name, SteadyTime now) {
    refusing_.erase(name);
    bad_.clear();
    another_connection_.since = now;
  }
  // One that refuses all at once may do so over this connection alone (a queue of RabbitMQ that had
  // no leader when the connection was made refuses what comes over it for good, seen with 3.10.8),
  // or may be full. True: it is time to try another connection; each time after twice as long.
  bool refused(const std::string& name, SteadyTime now) {
    if (name.empty()) return false;
    did_badly(name);
    if (refusing_.size() >= most_places) refusing_.clear();
    return refusing_.try_emplace(name, Patience{now, patience_}).first->second.is_over(now);
  }

  // Whether what becomes of an attempt says nothing about other places: there are some, and no two
  // did badly since anything was taken.
  bool are_apart() const noexcept { return are_several_ && bad_.size() < 2; }

 private:
  static constexpr std::size_t most_places = 1000, most_probes = 8;
  static constexpr std::chrono::milliseconds turn{1000};
  static constexpr std::chrono::milliseconds longest_pause{300'000};

  struct Patience {
    SteadyTime since;
    std::chrono::milliseconds pause;

    bool is_over(SteadyTime now) {
      if (now - since < pause) return false;
      since = now;
      pause = std::min(2 * pause, longest_pause);
      return true;
    }
  };
  struct Standing {
    Ticket newest;  // when it began to stand
    bool others_did;
    bool is_probed;
  };

  void did_badly(const std::string& name) {
    if (bad_.size() < 2) bad_.insert(name);  // more than one is all that matters
  }
  void unprobe(Standing& standing) {
    if (standing.is_probed) --probes_;
    standing.is_probed = false;
  }

  const std::chrono::milliseconds patience_;
  bool are_several_ = false;
  std::map<std::string, Standing> standing_;
  std::map<std::string, Patience> refusing_;
  std::set<std::string> bad_;  // since anything was taken
  std::size_t probes_ = 0;     // on their way
  bool turn_is_due_ = false;   // of others
  SteadyTime turn_until_{};
  Patience another_connection_;
};

}  // namespace wxpush::sink
