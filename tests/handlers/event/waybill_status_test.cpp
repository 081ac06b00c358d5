#include "handlers/event/waybill_status.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace wxpush::event;

namespace {

template <typename Keep>
std::set<int> codes_where(Keep keep) {
  std::set<int> codes;
  for (const OrderStatus& status : order_statuses()) {
    if (keep(status)) codes.insert(status.code);
  }
  return codes;
}

}  // namespace

TEST_CASE("the table holds the sixteen documented codes, in order") {
  CHECK(codes_where([](const auto&) { return true; }) ==
        std::set{101, 102, 103, 201, 202, 203, 204, 205, 301, 302, 303, 304, 305, 401, 501, 502});
  CHECK(order_statuses().size() == 16);
  CHECK(std::is_sorted(order_statuses().begin(), order_statuses().end(),
                       [](const auto& a, const auto& b) { return a.code < b.code; }));
}

TEST_CASE("the officially final codes are terminal, one of them is the success") {
  CHECK(codes_where([](const auto& s) { return s.terminal; }) ==
        std::set{103, 203, 204, 205, 302, 401, 501, 502});
  CHECK(codes_where([](const auto& s) { return s.delivered; }) == std::set{302});
}

TEST_CASE("the phase follows the hundreds of the code") {
  for (const OrderStatus& status : order_statuses()) {
    CAPTURE(status.code);
    constexpr Phase phases[] = {Phase::accept, Phase::pick_up, Phase::deliver, Phase::giving_back,
                                Phase::any};
    CHECK(status.phase == phases[status.code / 100 - 1]);
  }
}

TEST_CASE("every code has a meaning of its own in both languages") {
  std::set<std::string_view> english;
  std::set<std::string_view> chinese;
  for (const OrderStatus& status : order_statuses()) {
    CHECK_FALSE(status.english.empty());
    CHECK_FALSE(status.chinese.empty());
    english.insert(status.english);
    chinese.insert(status.chinese);
  }
  CHECK(chinese.size() == 16);
  CHECK(english.size() == 16);
}

TEST_CASE("a code is found, an unknown one is not") {
  REQUIRE(find_order_status(302) != nullptr);
  CHECK(find_order_status(302)->chinese == "配送成功");
  CHECK(find_order_status(101)->code == 101);
  CHECK(find_order_status(502)->code == 502);
  for (const int unknown : {-1, 0, 100, 104, 300, 503, 70000}) {
    CHECK(find_order_status(unknown) == nullptr);
  }
}

TEST_CASE("error codes of the delivery interfaces are explained") {
  CHECK(delivery_errors().size() == 18);
  REQUIRE(find_delivery_error(930563) != nullptr);
  CHECK(find_delivery_error(930563)->chinese == "配送单不存在");
  REQUIRE(find_delivery_error(9300535) != nullptr);
  CHECK(find_delivery_error(930566)->chinese.empty());
  CHECK(find_delivery_error(0) == nullptr);
  CHECK(find_delivery_error(930572) == nullptr);
  for (const DeliveryError& error : delivery_errors()) {
    CAPTURE(error.code);
    CHECK(find_delivery_error(error.code) == &error);
    CHECK_FALSE(error.english.empty());
  }
}
