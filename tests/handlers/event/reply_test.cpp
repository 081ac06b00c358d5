// What is sent back to WeChat: the reply object, and the sealed form that carries it.
#include "handlers/event/envelope.h"
#include "handlers/event/json.h"

#include <doctest/doctest.h>

using namespace wxpush::event;

TEST_CASE("update_waybill_status is answered by its seven documented fields") {
  const Message message = read_message(
      "wx1", R"({"ToUserName":"gh_1","FromUserName":"oTeam","CreateTime":1,"MsgType":"event",)"
             R"("Event":"Update_Waybill_Status","order_status":102})");
  CHECK(reply_object(message, 1700000000) ==
        R"({"ToUserName":"oTeam","FromUserName":"gh_1","CreateTime":1700000000,"MsgType":"event",)"
        R"("Event":"update_waybill_status","resultcode":0,"resultmsg":"OK"})");
}

TEST_CASE("it is answered so even if its status cannot be read: a retry would bring the same") {
  const Message message = read_message("wx1", R"({"Event":"update_waybill_status"})");
  REQUIRE_FALSE(message.waybill_status);
  CHECK(reply_object(message, 5));
}

TEST_CASE("every other message has no reply object") {
  for (const auto* body : {R"({"Event":"debug_demo"})", R"({"MsgType":"text"})",
                           R"({"Event":"transport_add_order"})", "<xml/>", "", "{"}) {
    CAPTURE(body);
    CHECK_FALSE(reply_object(read_message("wx1", body), 5));
  }
}

TEST_CASE("a sealed reply in JSON: TimeStamp is a number, Nonce a string") {
  CHECK(write_sealed_reply(Format::json, "QUJD+/==", "0123abcd", 1713424427, "415670741") ==
        R"({"Encrypt":"QUJD+/==","MsgSignature":"0123abcd","TimeStamp":1713424427,)"
        R"("Nonce":"415670741"})");
}

TEST_CASE("a sealed reply in XML") {
  CHECK(write_sealed_reply(Format::xml, "QUJD", "0123abcd", 1713424427, "415670741") ==
        "<xml><Encrypt><![CDATA[QUJD]]></Encrypt><MsgSignature><![CDATA[0123abcd]]></MsgSignature>"
        "<TimeStamp>1713424427</TimeStamp><Nonce><![CDATA[415670741]]></Nonce></xml>");
}

TEST_CASE("a sealed reply is read back; its time may be a string") {
  const auto reply =
      read_sealed_reply(write_sealed_reply(Format::json, "QUJD", "0123abcd", 17, "9"));
  REQUIRE(reply);
  CHECK(reply->encrypt == "QUJD");
  CHECK(reply->msg_signature == "0123abcd");
  CHECK(reply->timestamp == "17");
  CHECK(reply->nonce == "9");
  CHECK(read_sealed_reply(R"({"Encrypt":"a","MsgSignature":"b","TimeStamp":"17","Nonce":"9"})"));
}

TEST_CASE("a reply that lacks a field, or is none, is not read") {
  CHECK_FALSE(read_sealed_reply("success"));
  CHECK_FALSE(read_sealed_reply(""));
  CHECK_FALSE(read_sealed_reply("[]"));
  CHECK_FALSE(read_sealed_reply(R"({"MsgSignature":"b","TimeStamp":17,"Nonce":"9"})"));
  CHECK_FALSE(read_sealed_reply(R"({"Encrypt":"a","TimeStamp":17,"Nonce":"9"})"));
  CHECK_FALSE(read_sealed_reply(R"({"Encrypt":"a","MsgSignature":"b","Nonce":"9"})"));
  CHECK_FALSE(read_sealed_reply(R"({"Encrypt":"a","MsgSignature":"b","TimeStamp":17})"));
  CHECK_FALSE(read_sealed_reply(R"({"Encrypt":"a","MsgSignature":"b","TimeStamp":17,"Nonce":9})"));
}
