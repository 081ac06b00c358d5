#pragma once
// A push that another service answers: what it is sent, and what comes back. Values, and the one
// face of whatever carries them there.

#include "server/verdict.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace wxpush::server {

// The push as it came. Owned, since it leaves the session's thread.
struct ForwardRequest {
  std::string query, body;
  std::string content_type, forwarded_for;  // empty: not sent
};

struct ForwardAnswer {
  Cause cause = Cause::none;  // why there is no answer; none: there is one, and this is it
  std::string error;          // the same for people: for the log alone
  unsigned status = 0;
  std::string content_type, retry_after, body;  // as they came; empty if absent
};

class ForwardTarget {
 public:
  virtual ~ForwardTarget() = default;
  // Thread-safe; returns at once. `done` is called exactly once, from any thread, perhaps before
  // this returns; or never, if the process ends before.
  virtual void forward(ForwardRequest request, std::chrono::milliseconds within,
                       std::function<void(ForwardAnswer)> done) const = 0;
};

// What an Action says about it.
struct Forward {
  std::shared_ptr<const ForwardTarget> target;
  ForwardRequest request;
};

}  // namespace wxpush::server
