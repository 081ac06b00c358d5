#pragma once
// The push that the benchmarks take apart: a status of an order, as WeChat sends it in secure mode.

#include "crypto/wechat/push_codec.h"
#include "crypto/wechat/signature.h"
#include "handlers/event/envelope.h"

#include <string>
#include <string_view>

namespace wxpush::bench {

constexpr std::string_view appid = "wxbench";
constexpr std::string_view token = "benchToken";
constexpr std::string_view aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
constexpr std::string_view timestamp = "1700000000";
constexpr std::string_view nonce = "415670741";
constexpr std::string_view message =
    R"({"ToUserName":"gh_97417a04a28d","FromUserName":"oWeChatTeam","CreateTime":1700000000,"MsgType":"event",)"
    R"("Event":"update_waybill_status","shopid":"123456","shop_order_id":"order-20231114-0001","shop_no":"store-1",)"
    R"("waybill_id":"waybill-20231114-0001","action_time":1700000000,"order_status":102,"action_msg":"",)"
    R"("agent":{"name":"rider","phone":"13800000000"}})";

inline crypto::PushKey push_key() {
  return crypto::PushKey::make("default", std::string(token), aes_key).value();
}
inline std::string encrypted() {
  return crypto::encrypt(push_key(), {}, message, appid);
}
inline std::string signature_of(std::string_view encrypt) {
  return crypto::message_signature(token, timestamp, nonce, encrypt);
}
inline std::string envelope_of(std::string_view encrypt) {
  return event::write_envelope(event::Format::json, "gh_97417a04a28d", encrypt);
}

}  // namespace wxpush::bench
