#include "handlers/sink/log_handler.h"

#include "tests/handlers/dispatch/fake_store.h"
#include "tests/server/fakes.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::test;

TEST_CASE("the log handler tells the order, the status and its meaning, and nothing about people") {
  RecordingLog log;
  auto stored = status_event(7, 302, 5);
  stored.body.insert(
      1, R"("agent":{"name":"Zhang San","phone":"13800000000"},"action_msg":"call 13800000000",)");
  const auto message = event::read_message("wxshop", stored.body);
  sink::make_log_handler("log", log)({stored, message, {true, 3}, 1});
  REQUIRE(log.lines.size() == 1);
  const auto& line = log.lines[0];
  CHECK(line.message == "event");
  CHECK(line.fields.at("id") == "7");
  CHECK(line.fields.at("order_key") == "wxshop/s/o");
  CHECK(line.fields.at("order_status") == "302");
  CHECK(line.fields.at("meaning") == std::string(event::find_order_status(302)->english));
  CHECK(line.fields.at("stale") == "true");
  CHECK(line.fields.at("repeat_of") == "3");
  for (const auto& [name, value] : line.fields) {
    CAPTURE(name);
    CHECK(value.find("Zhang") == std::string::npos);
    CHECK(value.find("13800000000") == std::string::npos);
  }
}

TEST_CASE("an event that is no delivery status has neither status nor marks") {
  RecordingLog log;
  const auto stored = stored_event(1, "debug_demo");
  const auto message = event::read_message("wxshop", stored.body);
  sink::make_log_handler("log", log)({stored, message, {}, 1});
  CHECK(log.lines[0].fields.at("order_status").empty());
  CHECK(log.lines[0].fields.at("stale").empty());
  CHECK(log.lines[0].fields.at("type") == "debug_demo");
}
