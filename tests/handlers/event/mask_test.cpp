#include "handlers/event/json.h"
#include "handlers/event/message.h"

#include <doctest/doctest.h>

using namespace wxpush::event;

TEST_CASE("names, phones and free text of a delivery are masked, all else stays as written") {
  CHECK(mask_personal(R"({ "ToUserName":"gh_1", "FromUserName":"o9", "openid":"o8",
                           "shop_order_id":"order-1", "shop_no":"7", "action_time": 1.70e9,
                           "action_msg":"rider Wang, 13900001111",
                           "agent":{"name":"王", "phone":"13900001111", "reach_time":1700000000} })") ==
        R"({"ToUserName":"gh_1","FromUserName":"o9","openid":"o8",)"
        R"("shop_order_id":"order-1","shop_no":"7","action_time":1.70e9,"action_msg":"***",)"
        R"("agent":{"name":"***","phone":"***","reach_time":1700000000}})");
}

TEST_CASE("numbers are masked too; true, false and null tell nothing and stay") {
  CHECK(mask_personal(R"({"phone":13900001111,"name":null,"tel":true})") ==
        R"({"phone":"***","name":null,"tel":true})");
}

TEST_CASE("the case of a name does not matter") {
  CHECK(mask_personal(
            R"({"Name":"a","PHONE":"b","Rider_Phone":"c","ActionMsg":"d","Address":"e"})") ==
        R"({"Name":"***","PHONE":"***","Rider_Phone":"***","ActionMsg":"***","Address":"***"})");
}

TEST_CASE("every address… is masked, and whatever is inside sender and receiver") {
  CHECK(mask_personal(R"({"address_detail":"a","sender":{"city":"b","lng":1.5},)"
                      R"("receiver":{"x":[{"y":"c"},2,null]}})") ==
        R"({"address_detail":"***","sender":{"city":"***","lng":"***"},)"
        R"("receiver":{"x":[{"y":"***"},"***",null]}})");
}

TEST_CASE("the rule holds at every depth and in lists") {
  CHECK(mask_personal(R"({"list":[{"agent":[{"phone":["1","2"]}]},"name"]})") ==
        R"({"list":[{"agent":[{"phone":["***","***"]}]},"name"]})");
}

TEST_CASE("names that only look alike stay") {
  constexpr auto body = R"({"good_name":"apple","username":"u","phone_model":"x","shop_no":"1"})";
  CHECK(mask_personal(body) == body);
}

TEST_CASE("both of two members of one name are masked") {
  CHECK(mask_personal(R"({"name":"a","name":"b"})") == R"({"name":"***","name":"***"})");
}

TEST_CASE("what is no JSON object is not shown at all") {
  CHECK(mask_personal("name: 王") == "(9 bytes, not shown)");
  CHECK(mask_personal("<xml><name>x</name></xml>") == "(25 bytes, not shown)");
  CHECK(mask_personal(R"("13900001111")") == "(13 bytes, not shown)");
  CHECK(mask_personal(R"(["13900001111"])") == "(15 bytes, not shown)");
  CHECK(mask_personal("") == "(0 bytes, not shown)");
}

TEST_CASE("masking what is masked changes nothing") {
  const std::string once = mask_personal(R"({"agent":{"name":"a\u4f60\"b","lng":"1"},"n":-0})");
  CHECK(mask_personal(once) == once);
  CHECK(JsonDocument::parse(once));
}
