#pragma once
// When a failed attempt is tried again, and when no more. Pure functions of what happened, so that
// every rule is a test (docs/architecture.md, "Retry").

#include "handlers/sink/outcome.h"

#include <chrono>
#include <cstdint>

namespace wxpush::dispatch {

struct RetrySettings {
  std::chrono::milliseconds retry_min{500};
  std::chrono::milliseconds retry_max{30'000};
  std::uint32_t max_attempts = 12;                                  // that count against the event
  std::chrono::milliseconds give_up_after{std::chrono::hours{72}};  // of trying, while we ran
};

using sink::Blame;
using sink::Failure;

struct FailedEvent {
  std::uint32_t attempts = 0;  // this one included
  std::uint32_t counted = 0;   // of those before, that counted against it
  bool others_well = false;    // since its last attempt the handler answered another event well
  std::chrono::milliseconds tried_for{};  // since its first failure
};

struct Decision {
  bool dead = false;
  bool counted = false;
  std::chrono::milliseconds delay{};  // until the next attempt, unless dead
};

// An attempt counts against the event only if its answer judged it, or if the handler did well by
// others meanwhile: so a poisoned event dies, and an outage kills nothing before give_up_after. Nor
// does an outage of the place alone that the event goes to.
// `random` in [0, 1).
Decision decide(const RetrySettings& settings, const Failure& failure, const FailedEvent& event,
                double random);

// Exponential from retry_min to retry_max, with full jitter: between nothing and the bound.
std::chrono::milliseconds retry_delay(const RetrySettings& settings, std::uint32_t attempts,
                                      double random);

}  // namespace wxpush::dispatch
