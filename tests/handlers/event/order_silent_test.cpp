#include "handlers/event/order_silent.h"

#include "handlers/event/message.h"

#include <doctest/doctest.h>

using namespace wxpush::event;

namespace {

OrderSilent silence() {
  return {.shopid = "s",
          .shop_order_id = "A/17",
          .shop_no = "n",
          .waybill_id = "w1",
          .order_status = 102,
          .action_time = 1'700'000'000,
          .create_time = 1'700'000'000,
          .after = std::chrono::minutes(20),
          .last_event_id = make_event_id("wx1", "a status")};
}

}  // namespace

TEST_CASE("it reads back as it was written") {
  const auto read = read_order_silent(write_order_silent(silence()));
  REQUIRE(read);
  CHECK(read->shopid == "s");
  CHECK(read->shop_order_id == "A/17");
  CHECK(read->shop_no == "n");
  CHECK(read->waybill_id == "w1");
  CHECK(read->order_status == 102);
  CHECK(read->action_time == 1'700'000'000);
  CHECK(read->create_time == 1'700'000'000);
  CHECK(read->after == std::chrono::minutes(20));
  CHECK(read->last_event_id == silence().last_event_id);
}

TEST_CASE("as a message it is an event of its own type, in the order's lane") {
  const auto message = read_message("wx1", write_order_silent(silence()));
  CHECK(message.kind == ContentKind::json);
  CHECK(message.type == order_silent_type);
  CHECK(is_known_type(message.type));
  CHECK(message.event_time == 1'700'000'000);
  CHECK_FALSE(message.waybill_status);  // it is no status, and must not mark one
  const auto status = read_message(
      "wx1", R"({"Event":"update_waybill_status","shopid":"s","shop_order_id":"A/17"})");
  CHECK(message.order_key == status.order_key);
}

TEST_CASE("what is no such event is not read as one") {
  CHECK_FALSE(read_order_silent("{"));
  CHECK_FALSE(read_order_silent("[]"));
  CHECK_FALSE(read_order_silent(R"({"Event":"wxpush.order_silent","order_status":101})"));
  std::string other = write_order_silent(silence());
  other.replace(other.find("order_silent"), 12, "other_silent");
  CHECK_FALSE(read_order_silent(other));
}
