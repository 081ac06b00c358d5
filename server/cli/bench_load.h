#pragma once
// A closed loop of pushes: every connection sends the next one when the last was answered.

#include "server/cli/histogram.h"
#include "server/cli/pushing.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace wxpush::cli {

struct LoadPlan {
  PushTarget target;
  unsigned connections = 1;
  std::chrono::milliseconds duration{1000};
  std::chrono::milliseconds timeout{5000};  // of one push; WeChat's
  std::function<SealedPush()> next_push;    // called on the one thread there is
};

struct LoadResult {
  std::uint64_t acknowledged = 0;  // answered 200
  Histogram latency;               // of those: from handing the request over to its whole answer
  std::map<std::string, std::uint64_t> failures;  // by kind: "503", "connect: connection refused"
  std::chrono::duration<double> took{};           // until the last answer
};

// Keeps the connections alive between pushes, opens them again when they end. Returns when the
// duration is over and what was under way is decided.
LoadResult run_load(const LoadPlan& plan);

}  // namespace wxpush::cli
