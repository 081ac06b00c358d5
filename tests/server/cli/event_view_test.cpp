#include "server/cli/event_view.h"

#include "handlers/event/json.h"
#include "tests/server/cli/support.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::cli;
using namespace wxpush::cli::test;
using queue::DeliveryState;

namespace {

constexpr const char* body =
    "{\"Event\":\"update_waybill_status\",\n \"order_status\":302,\"shopid\":\"s\",\"n\":1.50,"
    "\"agent\":{\"name\":\"张三\",\"phone\":\"13800000000\"}}";

EventView view_of(const std::string& text, std::vector<queue::Delivery> deliveries = {}) {
  FakeReader reader;
  EventView view{reader.add(text, "wx0123456789abcdef/s/A17"), std::move(deliveries),
                 EventState::unrouted};
  view.state = state_of(view.deliveries);
  return view;
}

}  // namespace

TEST_CASE("dead for any is dead, pending for any is pending, asked by none is unrouted") {
  const auto dead = delivery("a", DeliveryState::dead);
  const auto pending = delivery("b", DeliveryState::pending);
  const auto delivered = delivery("c", DeliveryState::delivered);
  CHECK(state_of({}) == EventState::unrouted);
  CHECK(state_of({delivered}) == EventState::delivered);
  CHECK(state_of({delivered, pending}) == EventState::pending);
  CHECK(state_of({delivered, pending, dead}) == EventState::dead);
  for (const auto state :
       {EventState::unrouted, EventState::pending, EventState::delivered, EventState::dead}) {
    CHECK(parse_state(to_text(state)) == state);
  }
  CHECK(parse_state("lost") == std::nullopt);
}

TEST_CASE("JSON has the documented members in their order, on one line, nobody's name in it") {
  queue::Delivery waiting = delivery("backend", DeliveryState::pending);
  waiting.attempts = 2;
  waiting.next_attempt = WallTime(std::chrono::milliseconds(1'700'000'000'125));
  waiting.last_error = "503";
  const std::string line =
      to_json(view_of(body, {waiting, delivery("log", DeliveryState::delivered)}), false);
  CHECK(line.find('\n') == std::string::npos);
  CHECK_FALSE(holds(line, "张三"));
  CHECK_FALSE(holds(line, "13800000000"));
  const auto document = event::JsonDocument::parse(line);
  REQUIRE(document);
  std::string names;
  for (const auto& [name, value] : document->root().members()) names += std::string(name) + ' ';
  CHECK(names == "id event_id app type order_key received_at event_time state deliveries body ");
  const auto root = document->root();
  CHECK(root["event_time"].is_null());
  CHECK(root["state"].string() == "pending");
  CHECK(root["order_key"].string() == "wx0123456789abcdef/s/A17");
  CHECK(root["body"]["order_status"].integer() == 302);
  const auto deliveries = root["deliveries"].elements();
  REQUIRE(deliveries.size() == 2);
  CHECK(deliveries[0]["attempts"].integer() == 2);
  CHECK(deliveries[0]["last_error"].string() == "503");
  CHECK(deliveries[0]["next_attempt"].string()->substr(19, 4) == ".125");
  CHECK(deliveries[1]["next_attempt"].is_null());
}

TEST_CASE("revealed, the body is the message itself, its numbers as they were written") {
  const std::string line = to_json(view_of(body), true);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(holds(line, R"("n":1.50)"));
  CHECK(holds(line, "张三"));
}

TEST_CASE("an opaque event has no type, is ordered by its own id, and its body is text") {
  EventView view = view_of("{broken");
  view.event.type.clear();
  view.event.order_key.clear();
  view.event.kind = event::ContentKind::opaque;
  const auto document = event::JsonDocument::parse(to_json(view, true));
  REQUIRE(document);
  CHECK(document->root()["type"].is_null());
  CHECK(document->root()["body"].string() == "{broken");
  CHECK(document->root()["order_key"].string() == event::to_string(view.event.event_id));
  CHECK(to_row(view)[4] == "(opaque)");
}

TEST_CASE("a table's row has as many cells as there are titles, and says what the status means") {
  const auto row = to_row(view_of(body));
  CHECK(row.size() == event_titles().size());
  CHECK(row.back().starts_with("302 "));
  CHECK(row[1].size() == 12);
}

TEST_CASE("everything about one event, masked unless revealed") {
  const auto text_of = [](bool reveal) {
    std::string text;
    for (const auto& [name, value] :
         to_facts(view_of(body, {delivery("log", DeliveryState::dead)}), reveal)) {
      text += name + '=' + value + '\n';
    }
    return text;
  };
  CHECK(holds(text_of(false), "state=dead\ndelivery=log: dead\n"));
  CHECK_FALSE(holds(text_of(false), "张三"));
  CHECK(holds(text_of(true), "张三"));
}
