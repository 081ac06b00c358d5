#pragma once
// The table that says which events must stay in order, and which fields make a delivery status what
// it is.

#include "handlers/event/json.h"
#include "handlers/event/waybill_status.h"

#include <span>
#include <string>
#include <string_view>

namespace wxpush::event {

// Each part percent-encoded (all but the unreserved characters of RFC 3986, section 2.3), joined by
// '/': no two lists of parts give the same key.
std::string join_key(std::span<const std::string_view> parts);

// By `type` (lower-case):
//   update_waybill_status, transport_*,
//   wxpush.order_silent                     appid, shopid, shop_order_id
//   trade_manage_*                          appid, transaction_id
//   add_express_path, add_waybill and the
//   others of the logistics assistant       appid, DeliveryID, WayBillId (names in any case)
//   every other                             appid, type, FromUserName
// Empty, that is unordered, if a part is missing or empty.
std::string order_key(std::string_view appid, std::string_view type, const JsonValue& message);

// appid, shopid, shop_order_id, waybill_id, order_status, action_time: two messages that agree in
// all of these tell of the same step of the same delivery, even if their bytes differ. Empty if
// shopid, shop_order_id or action_time is missing, since then too little tells two steps apart;
// waybill_id may be empty.
std::string business_key(std::string_view appid, const WaybillStatus& status);

}  // namespace wxpush::event
