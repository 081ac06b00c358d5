#include "handlers/dispatch/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace wxpush::dispatch {

using std::chrono::milliseconds;

milliseconds retry_delay(const RetrySettings& settings, std::uint32_t attempts, double random) {
  constexpr std::uint32_t most_doublings = 32;
  const auto doublings = std::min(std::max(attempts, 1U) - 1, most_doublings);
  const auto bound = std::min(
      static_cast<double>(settings.retry_max.count()),
      std::ldexp(static_cast<double>(settings.retry_min.count()), static_cast<int>(doublings)));
  return milliseconds(static_cast<milliseconds::rep>(bound * random));
}

Decision decide(const RetrySettings& settings, const Failure& failure, const FailedEvent& event,
                double random) {
  Decision decision;
  decision.counted =
      failure.blame == Blame::event || (failure.blame == Blame::handler && event.others_well);
  const std::uint32_t counted = event.counted + (decision.counted ? 1 : 0);
  decision.dead = failure.permanent || (decision.counted && counted >= settings.max_attempts) ||
                  event.tried_for >= settings.give_up_after;
  decision.delay = retry_delay(settings, event.attempts, random);
  if (failure.retry_after) {
    decision.delay = std::max(decision.delay, std::min(*failure.retry_after, settings.retry_max));
  }
  return decision;
}

}  // namespace wxpush::dispatch
