#include "handlers/event/waybill_status.h"

#include <algorithm>
#include <array>

namespace wxpush::event {

namespace {

constexpr std::array<OrderStatus, 16> kOrderStatuses{{
    {101, Phase::accept, "waiting for a rider", "等待分配骑手", false, false},
    {102, Phase::accept, "rider assigned", "分配骑手成功", false, false},
    {103, Phase::accept, "cancelled by the merchant", "商家取消订单", true, false},
    {201, Phase::pick_up, "rider at the store", "骑手到店开始取货", false, false},
    {202, Phase::pick_up, "picked up", "取货成功", false, false},
    {203, Phase::pick_up, "pick-up failed: cancelled by the merchant", "取货失败，商家取消订单",
     true, false},
    {204, Phase::pick_up, "pick-up failed: cancelled for the rider's own reason",
     "取货失败，骑手因自身原因取消订单", true, false},
    {205, Phase::pick_up, "pick-up failed: cancelled by the rider for the merchant's reason",
     "取货失败，骑手因商家原因取消订单", true, false},
    {301, Phase::deliver, "delivering", "配送中", false, false},
    {302, Phase::deliver, "delivered", "配送成功", true, true},
    {303, Phase::deliver, "cancelled by the merchant, goods going back",
     "商家取消订单，配送物品开始返还商家", false, false},
    {304, Phase::deliver, "receiver unreachable, goods going back",
     "无法联系收货人，配送物品开始返还商家", false, false},
    {305, Phase::deliver, "receiver refused, goods going back", "收货人拒收，配送物品开始返还商家",
     false, false},
    {401, Phase::giving_back, "goods returned to the merchant", "货品返还商户成功", true, false},
    {501, Phase::any, "cancelled by the carrier's system", "因运力系统原因取消", true, false},
    {502, Phase::any, "cancelled for force majeure (weather, road closures)",
     "因不可抗拒因素（天气，道路管制等原因）取消", true, false},
}};

constexpr std::array<DeliveryError, 18> kDeliveryErrors{{
    {930555, "WeChat platform system error", "微信平台系统错误"},
    {930556, "delivery company timed out", "配送公司超时"},
    {930557, "delivery company system error", "配送公司系统错误"},
    {930558, "delivery company logic error", "配送公司逻辑错误"},
    {930559, "invalid openid (sandbox)", "openid无效"},
    {930560, "this shopid is not bound: bind it first", "未绑定的商户号"},
    {930561, "wrong argument (an action_time in milliseconds, for one)", "参数错误"},
    {930562, "the delivery order exists already", "配送单已经存在"},
    {930563, "the delivery order does not exist", "配送单不存在"},
    {930564, "no quota for this call (sandbox)", "调用无配额"},
    {930565, "the delivery order has ended", "配送单已结束"},
    {930566, "not supported: authorize it at mp.weixin.qq.com", ""},
    {930567, "wrong argument in shop", ""},
    {930568, "mini programs of private persons are not supported", "不支持个人类型小程序"},
    {930569, "opened already", "已经开通不需要再开通"},
    {930570, "cargo_first_class or cargo_second_class is invalid", ""},
    {930571, "the merchant is not admitted to the beta: apply first",
     "该商户没有内测权限，请先申请权限"},
    {9300535, "shop: a goods picture or name is empty or invalid, or the count is 0",
     "shop字段商品缩略图 url、商品名称为空或者非法，或者商品数量为0"},
}};

template <typename Table>
auto find_code(const Table& table, int code) -> const typename Table::value_type* {
  const auto found = std::lower_bound(table.begin(), table.end(), code,
                                      [](const auto& row, int value) { return row.code < value; });
  return found != table.end() && found->code == code ? &*found : nullptr;
}

}  // namespace

std::span<const OrderStatus> order_statuses() {
  return kOrderStatuses;
}
const OrderStatus* find_order_status(int code) {
  return find_code(kOrderStatuses, code);
}

std::span<const DeliveryError> delivery_errors() {
  return kDeliveryErrors;
}
const DeliveryError* find_delivery_error(int code) {
  return find_code(kDeliveryErrors, code);
}

}  // namespace wxpush::event
