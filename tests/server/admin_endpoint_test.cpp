#include "server/admin_endpoint.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::server;

namespace {

struct Fixture {
  std::vector<std::string> reasons;
  AdminSources sources{[this] { return reasons; },
                       [] { return "metric 1\n"; },
                       [] { return "{}"; },
                       [] { return R"({"opened":1,"remaining":0})"; },
                       [](dispatch::Ask what, const std::string& handler, const std::string& ids) {
                         return std::string(to_string(what)) + " " + handler + " " + ids;
                       },
                       [](const std::string& ids, bool undelivered) {
                         return "erased " + ids + (undelivered ? ", whatever waits for them" : "");
                       },
                       [](const std::string& handler) { return "forgot " + handler; },
                       [] { return "reloaded"; }};
  Response get(std::string_view path, bool full = false, Method method = Method::get) {
    AdminEndpoint endpoint(sources, full);
    const auto question = path.find('?');
    Request request{method, path.substr(0, question), {}, {}, {}};
    if (question != std::string_view::npos) request.query = path.substr(question + 1);
    auto action = endpoint.accept(request, WallTime{});
    deferred = static_cast<bool>(action.work);
    if (action.work) action.reply.body = action.work();
    return action.reply;
  }
  bool deferred = false;  // the last one was left to the worker
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

TEST_CASE_FIXTURE(Fixture,
                  "what reads the store is left to the worker; a probe is answered at once") {
  for (const auto* path : {"/metrics", "/api/v1/status"}) {
    get(path, true);
    CHECK(deferred);
  }
  for (const auto* path : {"/healthz", "/readyz"}) {
    get(path, true);
    CHECK_FALSE(deferred);
  }
}

TEST_CASE_FIXTURE(Fixture, "events of a handler are changed on the socket alone, by ids") {
  const auto* path = "/api/v1/events/requeue?handler=backend&ids=1,2";
  CHECK(get(path, true, Method::post).body == "requeue backend 1,2");
  CHECK(get("/api/v1/events/discard?handler=b", true, Method::post).body == "discard b ");
  CHECK(get("/api/v1/events/replay?handler=b&ids=7", true, Method::post).body == "replay b 7");
  CHECK(get("/api/v1/handlers/forget?handler=b", true, Method::post).body == "forgot b");
  CHECK(get("/api/v1/reload", true, Method::post).body == "reloaded");
  CHECK(deferred);
  CHECK(get("/api/v1/reload", false, Method::post).status == 404);
  CHECK(get(path, true).status == 405);
  CHECK(get(path, false, Method::post).status == 404);
}
