#include "server/cli/test_message.h"

#include "handlers/event/json.h"
#include "handlers/event/message.h"
#include "server/cli/bench_messages.h"
#include "server/cli/command.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

using namespace wxpush;
using namespace wxpush::cli;

namespace {

event::Message read(const std::string& text) {
  return event::read_message("wx0123456789abcdef", text);
}

}  // namespace

TEST_CASE("a delivery event as WeChat documents it, of an order that nobody takes for real") {
  const auto message = read(TestMessage("update_waybill_status", "ab12", 1'700'000'000).text());
  CHECK(message.type == "update_waybill_status");
  CHECK(message.create_time == 1'700'000'000);
  REQUIRE(message.waybill_status);
  CHECK(message.waybill_status->shop_order_id == "wxpush-test-ab12");
  CHECK(message.waybill_status->order_status == 102);
  CHECK(message.waybill_status->action_time == 1'700'000'000);
  REQUIRE(message.waybill_status->agent);
  CHECK(message.order_key == "wx0123456789abcdef/wxpush-test-shop/wxpush-test-ab12");
}

TEST_CASE("another event has the common fields") {
  const TestMessage message("add_express_path", "ab12", 1'700'000'000);
  CHECK(message.text() ==
        R"({"ToUserName":"gh_wxpushtest00","FromUserName":"oWxpushTest-WeChatTeam-0000",)"
        R"("CreateTime":1700000000,"MsgType":"event","Event":"add_express_path"})");
}

TEST_CASE("set fields keep what JSON they are; all else is text") {
  TestMessage message("x", "1", 1);
  for (const char* field :
       {"number=101", "quoted=\"101\"", "truth=true", "none=null", "list=[1,{}]", "plain=A17",
        "text=a \"b\"=c", "empty=", "leading=007"}) {
    message.set(field);
  }
  const std::string text = message.text();
  CHECK(text.ends_with(
      R"("number":101,"quoted":"101","truth":true,"none":null,"list":[1,{}],"plain":"A17",)"
      R"("text":"a \"b\"=c","empty":"","leading":"007"})"));
  CHECK(event::JsonDocument::parse(text));
}

TEST_CASE("a dotted key reaches inside, and a field keeps its place when it is set again") {
  TestMessage message("update_waybill_status", "1", 1);
  message.set("agent.name=张三");
  message.set("agent.is_phone_encrypted=1");
  message.set("Event=other");
  const auto document = event::JsonDocument::parse(message.text());
  REQUIRE(document);
  const auto agent = document->root()["agent"];
  CHECK(agent["name"].string() == "张三");
  CHECK(agent["phone"].string() == "00000000000");
  CHECK(agent["is_phone_encrypted"].integer() == 1);
  CHECK(document->root().members()[4].first == "Event");
  message.set("agent={}");
  CHECK(message.text().ends_with(R"("agent":{}})"));
}

TEST_CASE("what is no assignment is misuse") {
  TestMessage message("x", "1", 1);
  for (const char* field : {"", "key", "=value", ".a=1", "a.=1", "a..b=1"}) {
    CAPTURE(field);
    CHECK_THROWS_AS(message.set(field), CommandError);
  }
}

TEST_CASE("messages of a load all differ, and go round as many orders as they were told") {
  BenchMessages messages("feed", {.orders = 3}, 1'700'000'000);
  std::set<std::string> texts;
  std::set<std::string> orders;
  for (int i = 0; i < 10; ++i) {
    const std::string& text = messages.next();
    texts.insert(text);
    orders.insert(read(text).order_key);
  }
  CHECK(texts.size() == 10);
  CHECK(orders.size() == 3);
  CHECK(read(messages.next()).waybill_status->waybill_id == "wxpush-test-bench-feed-000000000010");
}

TEST_CASE("without a number of orders each message is an order of its own") {
  BenchMessages messages("feed", {}, 1);
  std::set<std::string> orders;
  for (int i = 0; i < 10; ++i) orders.insert(read(messages.next()).order_key);
  CHECK(orders.size() == 10);
}

TEST_CASE("an order gets as many statuses as it was told, one after the other") {
  BenchMessages own("feed", {.statuses = 3}, 1);
  BenchMessages shared("feed", {.orders = 2, .statuses = 3}, 1);
  std::map<std::string, std::vector<int>> of_own;
  std::map<std::string, std::vector<int>> of_shared;
  for (int i = 0; i < 6; ++i) {
    const auto one = read(own.next());
    of_own[one.order_key].push_back(one.waybill_status->order_status);
    const auto other = read(shared.next());
    of_shared[other.order_key].push_back(other.waybill_status->order_status);
  }
  const std::vector<int> expected{101, 102, 201};
  CHECK(of_own.size() == 2);
  for (const auto& [order, statuses] : of_own) CHECK(statuses == expected);
  CHECK(of_shared.size() == 2);
  for (const auto& [order, statuses] : of_shared) CHECK(statuses == expected);
}

TEST_CASE("so many of a hundred messages are the one before once more") {
  BenchMessages messages("feed", {.duplicates = 25}, 1);
  std::set<std::string> texts;
  std::string before;
  int repeated = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string& text = messages.next();
    if (text == before) ++repeated;
    before = text;
    texts.insert(text);
  }
  CHECK(repeated == 249);  // the first one has none before it
  CHECK(texts.size() == 751);
}
