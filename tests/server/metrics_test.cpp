#include "server/metrics.h"

#include "server/endpoint.h"

#include <doctest/doctest.h>

using namespace wxpush::server;
using std::chrono::milliseconds;

namespace {
bool has(const std::string& text, const std::string& line) {
  return text.find(line + "\n") != std::string::npos;
}
}  // namespace

TEST_CASE("metrics carry the names and labels that operators script against") {
  Metrics metrics;
  const auto shop = metrics.enrol_app({"shop", {"default"}});
  REQUIRE(shop.app == 0);
  REQUIRE(shop.keys == std::vector<std::size_t>{0});
  metrics.enrol_handler("log");
  metrics.push(0, Verdict::accepted, Cause::none);
  metrics.push(0, Verdict::forbidden, Cause::foreign_appid);
  metrics.push(no_app, Verdict::bad_request, Cause::none);
  metrics.event_stored(0, "update_waybill_status");
  metrics.event_stored(0, "anything_a_stranger_may_invent");
  metrics.key_used(0, 0, 1700000000);
  metrics.commit(milliseconds(2), 3);
  metrics.delivery("log", "done", milliseconds(1));
  metrics.tls_handshake(HandshakeResult::ok);
  metrics.tls_handshake(HandshakeResult::gone);
  metrics.turned_away(true);
  Metrics::Gauges gauges;
  gauges.connections = 5;
  gauges.handlers = {{"log", 9, 1.5}};
  const auto text = metrics.scrape(gauges);
  CHECK(has(text, R"(wxpush_pushes_total{app="shop",verdict="accepted"} 1)"));
  CHECK(has(text, R"(wxpush_pushes_total{app="-",verdict="bad_request"} 1)"));
  CHECK(has(text, R"(wxpush_refused_total{app="shop",cause="foreign_appid"} 1)"));
  CHECK(has(text, R"(wxpush_events_total{app="shop",type="update_waybill_status"} 1)"));
  CHECK(has(text, R"(wxpush_events_total{app="shop",type="other"} 1)"));
  CHECK(has(text, R"(wxpush_key_uses_total{app="shop",key="default"} 1)"));
  CHECK(has(text, R"(wxpush_commit_events_count 1)"));
  CHECK(has(text, R"(wxpush_deliveries_total{handler="log",outcome="done"} 1)"));
  CHECK(has(text, R"(wxpush_tls_handshakes_total{result="ok"} 1)"));
  CHECK(has(text, R"(wxpush_tls_handshakes_total{result="failed"} 0)"));
  CHECK(has(text, R"(wxpush_tls_handshakes_total{result="gone"} 1)"));
  CHECK(has(text, R"(wxpush_connections_refused_total{limit="max_connections_per_address"} 1)"));
  CHECK(has(text, R"(wxpush_connections_refused_total{limit="max_connections"} 0)"));
  CHECK(has(text, R"(wxpush_pending_events{handler="log"} 9)"));
  CHECK(has(text, R"(wxpush_backlog_unreadable{handler="log"} 0)"));
  CHECK(has(text, R"(wxpush_connections 5)"));
  CHECK(text.find("anything_a_stranger") == std::string::npos);
}

TEST_CASE("gauges are those of the last scrape") {
  Metrics metrics;
  Metrics::Gauges gauges;
  gauges.connections = 5;
  CHECK(has(metrics.scrape(gauges), "wxpush_connections 5"));
  gauges.connections = 2;
  CHECK(has(metrics.scrape(gauges), "wxpush_connections 2"));
}

TEST_CASE("a reload goes on counting what stays, and adds rows for what is new") {
  Metrics metrics;
  const auto before = metrics.enrol_app({"shop", {"old"}});
  metrics.key_used(before.app, before.keys[0], 1700000000);
  metrics.enrol_app({"cafe", {}});
  const auto after = metrics.enrol_app({"shop", {"new", "old"}});
  CHECK(after.app == before.app);
  CHECK(after.keys == std::vector<std::size_t>{1, 0});
  CHECK(metrics.key_uses(after.app, after.keys[1]) == 1);
  CHECK(metrics.key_uses(after.app, after.keys[0]) == 0);
  metrics.enrol_handler("log");
  metrics.delivery("log", "done", milliseconds(1));
  metrics.enrol_handler("log");
  CHECK(metrics.deliveries("log", "done") == 1);
  metrics.retire_handler("log");
  CHECK(metrics.scrape({}).find("handler=\"log\"") == std::string::npos);
  metrics.delivery("log", "done", milliseconds(1));  // one that was under way
}

TEST_CASE("keys beyond what an app may have had are not counted, and nothing else suffers") {
  Metrics metrics;
  std::vector<std::string> names;
  for (int i = 0; i < 70; ++i) names.push_back("key-" + std::to_string(i));
  const auto row = metrics.enrol_app({"shop", names});
  metrics.key_used(row.app, row.keys[69], 1);
  metrics.key_used(row.app, row.keys[0], 1);
  CHECK(metrics.key_uses(row.app, row.keys[69]) == 0);
  CHECK(metrics.key_uses(row.app, row.keys[0]) == 1);
}
