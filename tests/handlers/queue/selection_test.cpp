// Which events a handler's filters select.

#include "handlers/queue/selection.h"

#include <doctest/doctest.h>

namespace wxpush::queue {

TEST_CASE("without filters a handler gets all that WeChat pushes, unreadable messages included") {
  CHECK(selects({}, {}, "shop", "update_waybill_status"));
  CHECK(selects({}, {}, "shop", "message.text"));
  CHECK(selects({}, {}, "shop", ""));
}

TEST_CASE("apps by name, types by name or beginning") {
  CHECK(selects({"shop"}, {}, "shop", "x"));
  CHECK_FALSE(selects({"shop"}, {}, "cafe", "x"));
  CHECK(selects({}, {"transport_*"}, "shop", "transport_add_order"));
  CHECK(selects({}, {"message.*"}, "shop", "message.text"));
  CHECK_FALSE(selects({}, {"transport_*"}, "shop", "update_waybill_status"));
  CHECK_FALSE(selects({}, {"transport_*"}, "shop", ""));
}

TEST_CASE("our own events go only to who names them") {
  const std::string own = "wxpush.order_silent";
  CHECK(selects({}, {"wxpush.order_silent"}, "shop", own));
  CHECK(selects({}, {"wxpush.*"}, "shop", own));
  CHECK(selects({}, {"update_waybill_status", "wxpush.order_*"}, "shop", own));
  CHECK_FALSE(selects({}, {}, "shop", own));
  CHECK_FALSE(selects({"shop"}, {}, "shop", own));
  CHECK_FALSE(selects({}, {"*"}, "shop", own));
  CHECK_FALSE(selects({}, {"wx*", "wxpush*"}, "shop", own));
  CHECK_FALSE(selects({"cafe"}, {"wxpush.*"}, "shop", own));
}

}  // namespace wxpush::queue
