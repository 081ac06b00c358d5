#include "server/open_files.h"

#include "server/start_error.h"
#include "tests/server/fakes.h"

#include <doctest/doctest.h>

#include <sys/resource.h>

using namespace wxpush;
using namespace wxpush::server;
using namespace wxpush::test;

namespace {

// This process's limit, put back at the end.
struct Limit {
  rlimit before{};
  Limit() { REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0); }
  ~Limit() { setrlimit(RLIMIT_NOFILE, &before); }
  void set_soft(rlim_t soft) const {
    rlimit changed = before;
    changed.rlim_cur = soft;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &changed) == 0);
  }
  static rlim_t soft() {
    rlimit now{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &now) == 0);
    return now.rlim_cur;
  }
};

}  // namespace

TEST_CASE("the limit on open files is raised to what the connections need, and no further") {
  const Limit limit;
  RecordingLog log;
  limit.set_soft(64);
  raise_open_files(100, log);
  CHECK(Limit::soft() >= 100);
  const auto enough = Limit::soft();
  raise_open_files(50, log);
  CHECK(Limit::soft() == enough);
  CHECK(log.lines.empty());
}

TEST_CASE("what the hard limit does not allow is said, with the remedy") {
  const Limit limit;
  RecordingLog log;
  if (limit.before.rlim_max == RLIM_INFINITY) return;
  raise_open_files(limit.before.rlim_max, log);
  CHECK(Limit::soft() == limit.before.rlim_max);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].fields.at("remedy").find("LimitNOFILE") != std::string::npos);
}

TEST_CASE("a start that will need more files than may be open is refused, with the remedy") {
  const Limit limit;
  limit.set_soft(64);
  require_open_files(16);
  require_open_files(16);  // it holds none
  try {
    require_open_files(64);
    FAIL("64 more than are open already");
  } catch (const StartError& error) {
    CHECK(error.exit_code() == 69);
    CHECK(std::string(error.what()).find("ulimit -n") != std::string::npos);
  }
}
