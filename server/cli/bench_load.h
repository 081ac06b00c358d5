#pragma once
// Load of pushes: a closed loop, where every connection sends the next one when the last was
// answered, or a fixed rate, where each push has its time and waits for a free connection if need
// be.

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
  std::uint64_t most = 0;        // pushes; 0: as many as the duration holds
  double rate = 0;               // pushes a second, over all connections; 0: a closed loop
  bool new_connections = false;  // one for each push; `connections` is how many at once
  std::chrono::milliseconds timeout{5000};  // of one push; WeChat's
  std::function<SealedPush()> next_push;    // called on the one thread there is
  // So many are sealed before the clock starts, and take 1.2 KB of memory each; more are sealed as
  // they are needed.
  std::uint64_t prepared = 0;
  // Of a GET that each connection begins with, before the clock starts: a server need not wait for
  // the first request of a connection that is open.
  std::string greeting_query;
  std::function<void()> on_begin;  // the clock starts
};

struct LoadResult {
  std::uint64_t acknowledged = 0;  // answered 200
  // Of those: from handing the request over to its whole answer; at a fixed rate from the time at
  // which the push was meant to be sent, so that waiting for a late answer counts.
  Histogram latency;
  std::string protocol;  // TLS version and cipher of the first connection; empty without TLS
  std::map<std::string, std::uint64_t> failures;  // by kind: "503", "connect: connection refused"
  std::chrono::duration<double> took{};           // until the last answer
  std::chrono::duration<double> processor{};      // what this process took of it meanwhile
};

// Keeps the connections alive between pushes, opens them again when they end. The clock starts when
// all of them are open and greeted, or have failed to. Returns when the duration is over, or all
// pushes were sent, and what was under way is decided.
LoadResult run_load(const LoadPlan& plan);

}  // namespace wxpush::cli
