#include "server/push_reporter.h"

#include "tests/server/fakes.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::server;
using namespace wxpush::test;

namespace {

std::vector<config::App> settings() {
  config::App app;
  app.name = "shop";
  app.appid = "wxshop";
  app.paths = {"/wx/shop"};
  app.keys = {{"default", config::Secret("token"),
               config::Secret("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")}};
  return {app};
}

struct Fixture {
  FakeClock clock;
  RecordingLog log;
  HeldQueue queue;
  Metrics metrics;
  AppTable apps{settings(), metrics};
  ConnectionLimits limits{10, 10, {}};
  PushReporter reporter{metrics, limits, &queue, clock, log};
  Peer peer;

  Fixture() { peer.text = "1.2.3.4"; }

  PushReport report(Verdict verdict, Cause cause = Cause::none) const {
    PushReport made;
    made.verdict = verdict;
    made.cause = cause;
    made.app = apps.find_by_name("shop");
    if (verdict == Verdict::accepted || verdict == Verdict::duplicate) {
      made.event_id = event::parse_event_id(std::string(64, 'a'));
      made.type = "update_waybill_status";
      made.order_key = "wxshop/s/o";
    }
    return made;
  }
  void stored(const PushReport& report, bool duplicate, queue::RowId id = 7) {
    queue::Appended appended;
    appended.id = id;
    appended.duplicate = duplicate;
    reporter.answered(report, peer, {}, &appended, std::chrono::milliseconds(12));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "one line a push: verdict, event, app, type, order and milliseconds") {
  stored(report(Verdict::accepted), false);
  REQUIRE(log.lines.size() == 1);
  const auto& line = log.lines[0];
  CHECK(line.level == LogLevel::info);
  CHECK(line.message == "push");
  CHECK(line.fields.at("verdict") == "accepted");
  CHECK(line.fields.at("event_id") == std::string(64, 'a'));
  CHECK(line.fields.at("app") == "shop");
  CHECK(line.fields.at("type") == "update_waybill_status");
  CHECK(line.fields.at("order_key") == "wxshop/s/o");
  CHECK(line.fields.at("ms") == "12");
  CHECK(line.fields.at("client") == "1.2.3.4");
  CHECK(metrics.pushes(0, Verdict::accepted) == 1);
  CHECK(metrics.last_accepted(0) == 1'700'000'000);
}

TEST_CASE_FIXTURE(Fixture,
                  "a refusal is told with its cause and the remedy, here and nowhere else") {
  reporter.answered(report(Verdict::forbidden, Cause::plaintext), peer, {}, nullptr, {});
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].level == LogLevel::warning);
  CHECK(log.lines[0].fields.at("cause") == "plaintext");
  CHECK(log.lines[0].fields.at("remedy").find("plaintext mode is on") == 0);
  CHECK(metrics.key_uses(0, 0) == 0);
}

TEST_CASE_FIXTURE(
    Fixture, "a push repeated after its 200 is counted and warned of, one after a 503 is not") {
  reporter.answered(report(Verdict::not_durable), peer, {}, nullptr, {});
  auto refused = report(Verdict::accepted);
  refused.verdict = Verdict::not_durable;
  reporter.answered(refused, peer, {}, nullptr, {});
  log.lines.clear();
  stored(report(Verdict::duplicate), true);
  CHECK(log.lines.size() == 1);
  stored(report(Verdict::duplicate), true);
  REQUIRE(log.lines.size() == 3);
  CHECK(log.lines[1].message.find("WeChat repeated a push") == 0);
}

TEST_CASE_FIXTURE(Fixture, "when a key was last used is written down at most once a minute") {
  stored(report(Verdict::accepted), false);
  stored(report(Verdict::accepted), false);
  REQUIRE(queue.remembered.size() == 1);
  CHECK(queue.remembered[0].first == "key_used/shop/default");
  CHECK(queue.remembered[0].second == "1700000000000 1");
  clock.now += std::chrono::seconds(61);
  stored(report(Verdict::accepted), false);
  REQUIRE(queue.remembered.size() == 2);
  CHECK(queue.remembered[1].second == "1700000061000 3");
}

TEST_CASE_FIXTURE(Fixture, "a proxy that is not trusted is named once") {
  reporter.answered(report(Verdict::forbidden, Cause::no_signature), peer, "9.9.9.9", nullptr, {});
  reporter.answered(report(Verdict::forbidden, Cause::no_signature), peer, "9.9.9.9", nullptr, {});
  std::size_t warnings = 0;
  for (const auto& line : log.lines) {
    warnings +=
        line.message == "X-Forwarded-For from 1.2.3.4, which is not in trusted_proxies" ? 1 : 0;
    if (line.message == "push") CHECK(line.fields.at("client") == "1.2.3.4");
  }
  CHECK(warnings == 1);
}

TEST_CASE_FIXTURE(Fixture, "connections over a limit are counted, and told of once a minute") {
  reporter.turned_away(peer, true);
  reporter.turned_away(peer, false);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].level == LogLevel::warning);
  CHECK(log.lines[0].fields.at("limit") == "max_connections_per_address");
  CHECK(log.lines[0].fields.at("client") == "1.2.3.4");
  clock.steady_now += std::chrono::seconds(60);
  reporter.turned_away(peer, false);
  REQUIRE(log.lines.size() == 2);
  CHECK(log.lines[1].fields.at("limit") == "max_connections");
  const auto text = metrics.scrape({});
  CHECK(text.find("wxpush_connections_refused_total{limit=\"max_connections\"} 2\n") !=
        std::string::npos);
}
