#include "handlers/sink/callbacks.h"

#include "tests/handlers/dispatch/fake_store.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::sink;
using namespace wxpush::test;

TEST_CASE("callbacks are registered under a name, typed or for everything") {
  std::vector<int> statuses;
  std::size_t all = 0;
  Callbacks callbacks;
  callbacks
      .on_waybill_status("orders",
                         [&](const Delivery&, const event::WaybillStatus& status) {
                           statuses.push_back(status.order_status);
                         })
      .on_event("audit", [&](const Delivery&) { ++all; });
  REQUIRE(callbacks.all().size() == 2);
  CHECK(callbacks.all()[0].name == "orders");
  CHECK(callbacks.all()[0].events == std::vector<std::string>{"update_waybill_status"});
  CHECK(callbacks.all()[1].events.empty());

  for (const auto& stored : {status_event(1, 202, 5), stored_event(2, "update_waybill_status")}) {
    const auto message = event::read_message("wxshop", stored.body);
    for (const auto& handler : callbacks.all()) handler.call({stored, message, {}, 1});
  }
  CHECK(statuses == std::vector<int>{202});  // what could not be read as a status is skipped
  CHECK(all == 2);
}
