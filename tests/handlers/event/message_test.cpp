#include "handlers/event/message.h"

#include <doctest/doctest.h>

using namespace wxpush::event;

namespace {

// A delivery status as the official page shows it, with the given fields besides.
std::string waybill(std::string_view fields) {
  return R"({"ToUserName":"gh_1","FromUserName":"oTeam","CreateTime":1700000001,"MsgType":"event",)"
         R"("Event":"update_waybill_status","shopid":"shop","shop_order_id":"order-1",)"
         R"("waybill_id":"w-1",)" +
         std::string(fields) + "}";
}

WaybillStatus status_of(std::string_view body) {
  const Message message = read_message("wx1", body);
  REQUIRE(message.waybill_status);
  return *message.waybill_status;
}

std::string type_of(std::string_view body) {
  return read_message("wx1", body).type;
}

}  // namespace

TEST_CASE("a delivery status is read as a typed value") {
  const Message message = read_message(
      "wx1",
      waybill(R"("shop_no":"no-1","action_time":1700000000,"order_status":102,"action_msg":"",)"
              R"("agent":{"name":"王小二","phone":"13900001111","reach_time":1700000900})"));
  CHECK(message.kind == ContentKind::json);
  CHECK(message.type == "update_waybill_status");
  CHECK(message.to_user_name == "gh_1");
  CHECK(message.from_user_name == "oTeam");
  CHECK(message.create_time == 1700000001);
  CHECK(message.event_time == 1700000000);
  CHECK(message.order_key == "wx1/shop/order-1");
  CHECK(message.business_key == "wx1/shop/order-1/w-1/102/1700000000");
  REQUIRE(message.waybill_status);
  const WaybillStatus& status = *message.waybill_status;
  CHECK(status.shopid == "shop");
  CHECK(status.shop_order_id == "order-1");
  CHECK(status.shop_no == "no-1");
  CHECK(status.waybill_id == "w-1");
  CHECK(status.order_status == 102);
  CHECK(status.action_time == 1700000000);
  CHECK(status.action_msg == "");
  REQUIRE(status.agent);
  CHECK(status.agent->name == "王小二");
  CHECK(status.agent->phone == "13900001111");
  CHECK(status.agent->reach_time == 1700000900);
  CHECK_FALSE(status.agent->is_phone_encrypted);
}

TEST_CASE("numbers may come as strings, ids and phones as numbers") {
  const WaybillStatus status = status_of(
      R"({"Event":"update_waybill_status","shopid":12,"shop_order_id":34,"waybill_id":56,"shop_no":78,)"
      R"("order_status":"201","action_time":"1700000000","agent":{"phone":139,"reach_time":"1700000900"}})");
  CHECK(status.shopid == "12");
  CHECK(status.shop_order_id == "34");
  CHECK(status.waybill_id == "56");
  CHECK(status.shop_no == "78");
  CHECK(status.order_status == 201);
  CHECK(status.action_time == 1700000000);
  REQUIRE(status.agent);
  CHECK(status.agent->phone == "139");
  CHECK(status.agent->reach_time == 1700000900);
}

TEST_CASE("no agent before a rider is assigned, however that is written") {
  for (const auto* fields : {R"("order_status":101)", R"("order_status":101,"agent":null)",
                             R"("order_status":101,"agent":{})", R"("order_status":101,"agent":[])",
                             R"("order_status":101,"agent":"")"}) {
    CAPTURE(fields);
    CHECK_FALSE(status_of(waybill(fields)).agent);
  }
}

TEST_CASE("is_phone_encrypted may be absent, a number, a boolean or a string") {
  const auto encrypted = [](std::string_view value) {
    const auto status =
        status_of(waybill(R"("order_status":102,"agent":{"name":"a","is_phone_encrypted":)" +
                          std::string(value) + "}"));
    REQUIRE(status.agent);
    return status.agent->is_phone_encrypted;
  };
  for (const auto* yes : {"1", "true", "\"1\"", "\"true\"", "\"True\""}) CHECK(encrypted(yes));
  for (const auto* no : {"0", "false", "\"0\"", "\"\"", "null", "[]"}) CHECK_FALSE(encrypted(no));
}

TEST_CASE("a status that cannot be read leaves the rest of the message readable") {
  for (const auto* fields :
       {R"("x":1)", R"("order_status":null)", R"("order_status":"new")", R"("order_status":102.5)",
        R"("order_status":-1)", R"("order_status":99999999999)", R"("order_status":[102])"}) {
    CAPTURE(fields);
    const Message message = read_message("wx1", waybill(fields));
    CHECK(message.type == "update_waybill_status");
    CHECK_FALSE(message.waybill_status);
    CHECK(message.order_key == "wx1/shop/order-1");
    CHECK(message.business_key == "");
    CHECK(message.event_time == 1700000001);
  }
}

TEST_CASE("a status beyond the table is a value all the same") {
  CHECK(status_of(waybill(R"("order_status":777)")).order_status == 777);
  CHECK(status_of(waybill(R"("order_status":0)")).order_status == 0);
}

TEST_CASE("the event's time is its action_time, else its CreateTime") {
  const auto time = [](std::string_view body) { return read_message("wx1", body).event_time; };
  CHECK(time(waybill(R"("action_time":1700000009)")) == 1700000009);
  CHECK(time(waybill(R"("order_status":102)")) == 1700000001);
  CHECK(time(R"({"Event":"debug_demo","CreateTime":"1700000005"})") == 1700000005);
  CHECK_FALSE(time(R"({"Event":"debug_demo"})"));
}

TEST_CASE("a time that no calendar has is absent: milliseconds, negative, too large") {
  const auto time = [](std::string_view value) {
    return read_message("wx1", R"({"CreateTime":)" + std::string(value) + "}").create_time;
  };
  CHECK(time("253402300799") == 253402300799);
  for (const auto* bad :
       {"1700000000000", "253402300800", "0", "-1", "9223372036854775807", "1e9", "true"}) {
    CAPTURE(bad);
    CHECK_FALSE(time(bad));
  }
  CHECK(read_message("wx1", waybill(R"("action_time":1700000000000)")).event_time == 1700000001);
}

TEST_CASE("the type is the Event in lower case; else what kind of message it is") {
  CHECK(type_of(R"({"MsgType":"event","Event":"Update_Waybill_Status"})") ==
        "update_waybill_status");
  CHECK(type_of(R"({"MsgType":"Text","Content":"hello"})") == "message.text");
  CHECK(type_of(R"({"MsgType":"event"})") == "message.event");
  CHECK(type_of(R"({"AppId":"wx","InfoType":"Component_Verify_Ticket"})") ==
        "component_verify_ticket");
  CHECK(type_of(R"({"Event":"never_seen_before"})") == "never_seen_before");
  CHECK(type_of(R"({"Event":7,"x":1})") == "");
  CHECK(type_of("{}") == "");
}

TEST_CASE("JSON with a byte order mark or white space in front is JSON") {
  CHECK(type_of("\xEF\xBB\xBF{\"Event\":\"debug_demo\"}") == "debug_demo");
  CHECK(type_of("\n {\"Event\":\"debug_demo\"}\n") == "debug_demo");
}

TEST_CASE("an XML message is told as such and not read") {
  const Message message = read_message("wx1", " <xml><Event><![CDATA[debug_demo]]></Event></xml>");
  CHECK(message.kind == ContentKind::xml);
  CHECK(message.type == "");
  CHECK(message.order_key == "");
  CHECK(message.from_user_name == "");
}

TEST_CASE("half a character in a free text hides nothing else") {
  for (const std::string torn : {"\\ud83d", "\\ude00", "\xE5\x8D", "\xFF", "\xED\xA0\xBD"}) {
    CAPTURE(torn);
    const Message message = read_message(
        "wx1",
        R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"o","waybill_id":"w",)"
        R"("order_status":302,"action_time":1700000000,"action_msg":"arrived )" +
            torn + "\"}");
    CHECK(message.kind == ContentKind::json);
    CHECK(message.type == "update_waybill_status");
    REQUIRE(message.waybill_status);
    CHECK(message.waybill_status->order_status == 302);
    CHECK(message.waybill_status->action_msg.starts_with("arrived \xEF\xBF\xBD"));
    CHECK(message.order_key == "wx1/s/o");
  }
}

TEST_CASE("everything else is opaque, and that is no error") {
  for (const auto* body :
       {"", " ", "\xEF\xBB\xBF", "success", "[]", "[{\"Event\":\"debug_demo\"}]", "null", "\"x\"",
        "{\"Event\":\"debug_demo\"", "{\"Event\":\"debug_demo\"\xFF}", "{}{}"}) {
    CAPTURE(body);
    const Message message = read_message("wx1", body);
    CHECK(message.kind == ContentKind::opaque);
    CHECK(message.type == "");
    CHECK(message.order_key == "");
    CHECK(message.business_key == "");
    CHECK_FALSE(message.waybill_status);
    CHECK_FALSE(message.create_time);
    CHECK_FALSE(message.event_time);
  }
}
