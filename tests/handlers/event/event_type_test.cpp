#include "handlers/event/message.h"

#include <doctest/doctest.h>

using namespace wxpush::event;

TEST_CASE("the table of known types bounds metric labels: exact names only") {
  CHECK(is_known_type("update_waybill_status"));
  CHECK(is_known_type("add_express_path"));
  CHECK(is_known_type("xpay_refund_notify"));
  CHECK(is_known_type("message.text"));
  CHECK_FALSE(is_known_type("Update_Waybill_Status"));
  CHECK_FALSE(is_known_type("update_waybill_status2"));
  CHECK_FALSE(is_known_type("xpay_"));
  CHECK_FALSE(is_known_type(""));
}

TEST_CASE("a pattern selects one type, or with a star at its end all that begin so") {
  CHECK(matches_type("update_waybill_status", "update_waybill_status"));
  CHECK_FALSE(matches_type("update_waybill_status", "update_waybill_status_2"));
  CHECK_FALSE(matches_type("update_waybill", "update_waybill_status"));

  CHECK(matches_type("transport_*", "transport_add_order"));
  CHECK(matches_type("transport_*", "transport_"));
  CHECK_FALSE(matches_type("transport_*", "transport"));
  CHECK_FALSE(matches_type("transport_*", "trade_manage_remind_shipping"));

  CHECK(matches_type("Update_Waybill_Status", "update_waybill_status"));
}

TEST_CASE("a lone star selects everything, opaque messages too") {
  CHECK(matches_type("*", "update_waybill_status"));
  CHECK(matches_type("*", ""));
  CHECK_FALSE(matches_type("message.*", ""));
}

TEST_CASE("a star elsewhere is a plain character") {
  CHECK_FALSE(matches_type("*_status", "update_waybill_status"));
  CHECK_FALSE(matches_type("a*b", "axb"));
}
