#pragma once
// The places of one broker (queues, streams, partitions), and what is wrong with some of them: ones
// that confirm nothing, and ones that refuse all there is. Only one attempt at a time is let through
// to one that confirms nothing, the probe: the few that may be on their way to the broker would soon
// all be waiting for it.

#include "handlers/base/clock.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace wxpush::sink {

// By the broker's thread alone. Tickets are of attempts, and rise. An empty name is no place of its
// own: nothing is ever wrong with it.
class StandingPlaces {
 public:
  using Ticket = std::uint64_t;

  // `patience`: how long a place may do badly before another connection is tried.
  explicit StandingPlaces(std::chrono::milliseconds patience) : patience_(patience) {}

  // Whether an attempt may go there now. The one that may while it stands is its probe.
  bool admits(const std::string& name, SteadyTime now, Ticket last_delivered) {
    auto* const standing = standing_at(know(name));
    if (standing == nullptr) return true;
    if (standing->is_probed) return false;
    // Where nothing goes over at all, others have their turn first.
    if (last_delivered <= standing->last && now < standing->not_before) return false;
    standing->is_probed = true;
    return true;
  }

  // Whether there are others: what becomes of an attempt then says nothing about them.
  bool are_several() const noexcept { return are_several_; }
  void are_several(bool several) noexcept { are_several_ = several; }
  // Whether others are known to have done well since it began to stand.
  bool others_do(const std::string& name, Ticket last_delivered) const {
    const auto* const standing = find_standing(name);
    return standing != nullptr && (standing->others_did || last_delivered > standing->first);
  }

  // An attempt waited its time in vain; `others_did`: ones after it were confirmed meanwhile.
  // `newest` is the last ticket. Without others it is the connection that may be sick.
  void waited(const std::string& name, bool others_did, Ticket newest, SteadyTime now) {
    Place* const place = know(name);
    if (place == nullptr) return;
    if (!place->standing) {
      if (!others_did && !are_several_) return;
      place->standing = Standing{newest, newest, others_did, false, {}, {now, patience_}};
    }
    place->standing->last = newest;
    place->standing->is_probed = false;
    place->standing->not_before = now + until_next_turn;
  }
  // Whether this attempt went there before that was known.
  bool stood_after(const std::string& name, Ticket ticket) const {
    const auto* const standing = find_standing(name);
    return standing != nullptr && ticket <= standing->first;
  }
  // An attempt waited in vain once more, and nothing came after it. True: it is time to try another
  // connection; each time after twice as long. Also if it has not stood until now.
  bool is_for_another_connection(const std::string& name, SteadyTime now) {
    auto* const standing = standing_at(know(name));
    return standing == nullptr || standing->patience.is_over(now);
  }
  // It answered, well or not.
  void answered(const std::string& name) {
    if (Place* const place = know(name)) place->standing.reset();
  }
  // What was on its way there is no more. What is known of a place outlives the connection: else
  // what waits for it would fill each new one.
  void lost() {
    for (auto& [name, place] : places_) {
      if (place.standing) place.standing->is_probed = false;
    }
  }

  // One that refuses all at once may do so over this connection alone (a queue of RabbitMQ that had
  // no leader when the connection was made refuses what comes over it for good, seen with 3.10.8),
  // or may be full. True: it is time to try another connection; each time after twice as long.
  bool refused(const std::string& name, SteadyTime now) {
    Place* const place = know(name);
    if (place == nullptr) return false;
    if (!place->refusing) place->refusing = Patience{now, patience_};
    return place->refusing->is_over(now);
  }
  void took(const std::string& name) {
    if (Place* const place = know(name)) place->refusing.reset();
  }

 private:
  static constexpr std::size_t most_places = 1000;
  static constexpr std::chrono::milliseconds longest_pause{300'000};
  static constexpr std::chrono::milliseconds until_next_turn{1000};

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
    Ticket first, last;  // the newest when it began to stand, and when it was last waited for
    bool others_did;
    bool is_probed;
    SteadyTime not_before;
    Patience patience;
  };
  struct Place {
    std::optional<Standing> standing;
    std::optional<Patience> refusing;
  };

  Place* know(const std::string& name) {
    if (name.empty()) return nullptr;
    if (places_.size() >= most_places && !places_.contains(name)) places_.clear();
    return &places_[name];
  }
  static Standing* standing_at(Place* place) {
    return place != nullptr && place->standing ? &*place->standing : nullptr;
  }
  const Standing* find_standing(const std::string& name) const {
    const auto found = places_.find(name);
    return found != places_.end() && found->second.standing ? &*found->second.standing : nullptr;
  }

  const std::chrono::milliseconds patience_;
  bool are_several_ = false;
  std::map<std::string, Place> places_;
};

}  // namespace wxpush::sink
