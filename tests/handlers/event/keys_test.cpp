// Which events stay in order with which others, and which tell of the same step of a delivery.
#include "handlers/event/keys.h"

#include "handlers/event/message.h"

#include <doctest/doctest.h>

#include <array>

using namespace wxpush::event;

namespace {

std::string order_key_of(std::string_view body) {
  return read_message("wx1", body).order_key;
}
std::string business_key_of(std::string_view body) {
  return read_message("wx1", body).business_key;
}

}  // namespace

TEST_CASE("parts are percent-encoded and joined by slashes") {
  CHECK(join_key(std::array<std::string_view, 3>{"wx1", "a/b", "c d"}) == "wx1/a%2Fb/c%20d");
  CHECK(join_key(std::array<std::string_view, 1>{"AZaz09-._~"}) == "AZaz09-._~");
  CHECK(join_key(std::array<std::string_view, 2>{"单", "%"}) == "%E5%8D%95/%25");
  CHECK(join_key(std::array<std::string_view, 3>{"", "x", ""}) == "/x/");
}

TEST_CASE("no two lists of parts give the same key") {
  CHECK(join_key(std::array<std::string_view, 2>{"a/b", "c"}) !=
        join_key(std::array<std::string_view, 2>{"a", "b/c"}));
  CHECK(join_key(std::array<std::string_view, 1>{"a%2Fb"}) !=
        join_key(std::array<std::string_view, 1>{"a/b"}));
}

TEST_CASE("deliveries of merchant and carrier: appid, shopid, shop_order_id") {
  CHECK(order_key_of(R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"o/1"})") ==
        "wx1/s/o%2F1");
  CHECK(order_key_of(R"({"Event":"transport_add_order","shopid":"s","shop_order_id":"o"})") ==
        "wx1/s/o");
  CHECK(order_key_of(R"({"Event":"Transport_Cancel_Order","shopid":7,"shop_order_id":8})") ==
        "wx1/7/8");
}

TEST_CASE("one order has one key through re-orders, whatever its waybill") {
  CHECK(
      order_key_of(
          R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"o","waybill_id":"1"})") ==
      order_key_of(
          R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"o","waybill_id":"2"})"));
}

TEST_CASE("express events: appid, delivery id, waybill id, in whatever case they are written") {
  CHECK(order_key_of(R"({"Event":"add_express_path","DeliveryID":"SF","WayBillId":"w"})") ==
        "wx1/SF/w");
  CHECK(order_key_of(R"({"Event":"add_express_path","DeliveryId":"SF","WaybillId":"w"})") ==
        "wx1/SF/w");
  CHECK(order_key_of(R"({"Event":"cancel_waybill","deliveryid":"SF","waybillid":3})") ==
        "wx1/SF/3");
}

TEST_CASE("trade management: appid, transaction_id") {
  CHECK(order_key_of(R"({"Event":"trade_manage_order_settlement","transaction_id":"t"})") ==
        "wx1/t");
}

TEST_CASE("every other event: appid, type, sender") {
  CHECK(order_key_of(R"({"Event":"Debug_Demo","FromUserName":"o9"})") == "wx1/debug_demo/o9");
  CHECK(order_key_of(R"({"MsgType":"text","FromUserName":"o9"})") == "wx1/message.text/o9");
  CHECK(order_key_of(R"({"Event":"check_biz","FromUserName":"o9"})") == "wx1/check_biz/o9");
}

TEST_CASE("a missing or empty part makes an event unordered") {
  for (
      const auto* body :
      {R"({"Event":"update_waybill_status","shopid":"s"})",
       R"({"Event":"update_waybill_status","shopid":"","shop_order_id":"o"})",
       R"({"Event":"update_waybill_status","shopid":null,"shop_order_id":"o"})",
       R"({"Event":"update_waybill_status","shopid":["s"],"shop_order_id":"o","FromUserName":"u"})",
       R"({"Event":"add_express_path","DeliveryID":"SF","FromUserName":"u"})",
       R"({"Event":"trade_manage_remind_access_api","FromUserName":"u"})",
       R"({"Event":"debug_demo"})", R"({"FromUserName":"u"})", R"({"InfoType":"authorized"})",
       R"({})", "no JSON", ""}) {
    CAPTURE(body);
    CHECK(order_key_of(body) == "");
  }
}

TEST_CASE("an order keeps its key when the status itself cannot be read") {
  CHECK(
      order_key_of(
          R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"o","order_status":"?"})") ==
      "wx1/s/o");
}

TEST_CASE("the business key names one step of one delivery") {
  CHECK(business_key_of(R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"o",)"
                        R"("waybill_id":"w 1","order_status":102,"action_time":1700000000})") ==
        "wx1/s/o/w%201/102/1700000000");
}

TEST_CASE("the business key does not see how a value is written, nor what else is told") {
  CHECK(business_key_of(R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"1",)"
                        R"("waybill_id":2,"order_status":"102","action_time":"1700000000"})") ==
        business_key_of(
            R"({"action_time":1700000000,"Event":"UPDATE_waybill_status","order_status":102,)"
            R"("shop_order_id":1,"shopid":"s","waybill_id":"2","action_msg":"x","CreateTime":1})"));
}

TEST_CASE("without order, status or time there is no business key; the waybill may be missing") {
  constexpr auto body = [](std::string_view fields) {
    return R"({"Event":"update_waybill_status",)" + std::string(fields) + "}";
  };
  CHECK(business_key_of(body(R"("shopid":"s","order_status":102,"action_time":5)")) == "");
  CHECK(business_key_of(body(R"("shop_order_id":"o","order_status":102,"action_time":5)")) == "");
  CHECK(business_key_of(body(R"("shopid":"s","shop_order_id":"o","action_time":5)")) == "");
  CHECK(business_key_of(body(R"("shopid":"s","shop_order_id":"o","order_status":102)")) == "");
  CHECK(business_key_of(
            body(R"("shopid":"s","shop_order_id":"o","order_status":102,"action_time":5)")) ==
        "wx1/s/o//102/5");
  CHECK(business_key_of(R"({"Event":"transport_add_order","shopid":"s","shop_order_id":"o",)"
                        R"("order_status":102,"action_time":5})") == "");
}
