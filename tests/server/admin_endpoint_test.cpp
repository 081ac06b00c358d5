#include "server/admin_endpoint.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::server;

namespace {

struct Fixture {
  std::vector<std::string> reasons;
  AdminSources sources{[this] { return reasons; }, [] { return "metric 1\n"; }, [] { return "{}"; },
                       [] { return R"({"opened":1,"remaining":0})"; }};
  Response get(std::string_view path, bool full = false, Method method = Method::get) {
    return AdminEndpoint(sources, full).accept(Request{method, path, {}, {}, {}}, WallTime{}).reply;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "health is about the process, readiness about intake") {
  CHECK(get("/healthz").status == 200);
  CHECK(get("/readyz").status == 200);
  reasons = {"draining", "store full"};
  CHECK(get("/healthz").status == 200);
  CHECK(get("/readyz").status == 503);
  CHECK(get("/readyz").body == "not ready\ndraining\nstore full\n");
}

TEST_CASE_FIXTURE(Fixture, "metrics are on both; what shows or changes state only on the socket") {
  CHECK(get("/metrics").body == "metric 1\n");
  CHECK(get("/metrics", true).status == 200);
  CHECK(get("/api/v1/status").status == 404);
  CHECK(get("/api/v1/status", true).status == 200);
  CHECK(get("/api/v1/quarantine/retry", false, Method::post).status == 404);
  CHECK(get("/api/v1/quarantine/retry", true, Method::post).body ==
        R"({"opened":1,"remaining":0})");
}

TEST_CASE_FIXTURE(Fixture, "a wrong method is told the right one") {
  CHECK(get("/healthz", false, Method::post).status == 405);
  CHECK(get("/api/v1/quarantine/retry", true).allow == "POST");
  CHECK(get("/nothing").status == 404);
}
