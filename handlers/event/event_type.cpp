#include "handlers/event/message.h"
#include "handlers/event/text.h"

#include <algorithm>
#include <array>

namespace wxpush::event {

namespace {

// docs/protocol.md, "Event catalogue", and our own (docs/events.md, "Silent orders"); sorted.
constexpr std::array kKnownTypes = std::to_array<std::string_view>({
    "add_express_path",
    "add_single_waybill",
    "add_waybill",
    "authorized",
    "cancel_auth_account",
    "cancel_single_waybill",
    "cancel_waybill",
    "check_biz",
    "component_verify_ticket",
    "debug_demo",
    "get_auth_info",
    "get_pre_auth_code",
    "get_quota",
    "message.event",
    "message.image",
    "message.miniprogrampage",
    "message.text",
    "mock_update_order_status",
    "notify_single_waybill_pay",
    "query_single_waybill",
    "query_single_waybill_fee",
    "subscribe_msg_change_event",
    "subscribe_msg_popup_event",
    "subscribe_msg_sent_event",
    "trade_manage_order_settlement",
    "trade_manage_remind_access_api",
    "trade_manage_remind_shipping",
    "transport_add_order",
    "transport_add_tips",
    "transport_cancel_order",
    "transport_confirm_return_to_biz",
    "transport_get_agent_pos",
    "transport_precancel_order",
    "transport_precreate_order",
    "transport_query_order_status",
    "transport_readd_order",
    "transport_set_rider_score",
    "unauthorized",
    "update_waybill_status",
    "updateauthorized",
    "user_authorization_cancellation",
    "user_authorization_revoke",
    "user_enter_tempsession",
    "user_info_modified",
    "waybill_complaint",
    "waybill_evaluate_agent",
    "waybill_notify_query",
    "waybill_query_expect_time_range",
    "wxa_comment_bad_score",
    "wxa_media_check",
    "wxa_punish_event",
    "wxpush.order_silent",
    "xpay_coin_pay_notify",
    "xpay_complaint_notify",
    "xpay_goods_deliver_notify",
    "xpay_refund_notify",
});
static_assert(std::is_sorted(kKnownTypes.begin(), kKnownTypes.end()));
static_assert(kKnownTypes.size() == known_types);

}  // namespace

std::size_t type_number(std::string_view type) {
  const auto found = std::lower_bound(kKnownTypes.begin(), kKnownTypes.end(), type);
  if (found == kKnownTypes.end() || *found != type) return known_types;
  return static_cast<std::size_t>(found - kKnownTypes.begin());
}

bool matches_type(std::string_view pattern, std::string_view type) {
  if (pattern.ends_with('*')) {
    pattern.remove_suffix(1);
    type = type.substr(0, pattern.size());
  }
  return equal_ignoring_case(pattern, type);
}

}  // namespace wxpush::event
