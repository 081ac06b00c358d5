#include "server/confirmations.h"

#include <doctest/doctest.h>

#include <optional>

using namespace wxpush;
using server::Confirmations;

namespace {

constexpr const char* waybill = "update_waybill_status";

queue::Appended stored(queue::RowId id) {
  return {.error = {}, .duplicate = false, .id = id};
}
queue::Appended known(queue::RowId id) {
  return {.error = {}, .duplicate = true, .id = id};
}

// Acknowledgements that wait for the handler "queue".
struct Fixture {
  std::vector<std::pair<std::string, queue::RowId>> looked_up;
  Confirmations confirmations{
      [this](const std::string& handler, queue::RowId id) { looked_up.emplace_back(handler, id); }};

  Fixture() { confirmations.watch({{"queue", {}}}); }

  Confirmations::Ticket wait(const queue::Appended& appended, std::optional<bool>& decided,
                             const std::string& type = waybill) {
    return confirmations.wait("queue", type, appended, [&](bool yes) { decided = yes; });
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a push waits until the handler is done with its event") {
  std::optional<bool> first;
  std::optional<bool> second;
  wait(stored(1), first);
  wait(stored(2), second);
  CHECK_FALSE(first);
  confirmations.settled("queue", 2, true);
  CHECK_FALSE(first);
  CHECK(second == true);
  confirmations.settled("other", 1, true);
  CHECK_FALSE(first);
  confirmations.settled("queue", 1, true);
  CHECK(first == true);
}

TEST_CASE_FIXTURE(Fixture, "an event that became a dead letter is confirmed to nobody") {
  std::optional<bool> decided;
  wait(stored(1), decided);
  confirmations.settled("queue", 1, false);
  CHECK(decided == false);
  std::optional<bool> again;
  wait(known(1), again);
  CHECK_FALSE(again);
}

TEST_CASE_FIXTURE(Fixture, "a handler may be done before anybody asks") {
  confirmations.settled("queue", 7, true);
  std::optional<bool> decided;
  CHECK(wait(stored(7), decided).number == 0);
  CHECK(decided == true);
}

TEST_CASE_FIXTURE(Fixture, "all tries of one push are told, and who has gone is not") {
  std::optional<bool> first;
  std::optional<bool> second;
  std::optional<bool> third;
  wait(stored(1), first);
  const auto gone = wait(known(1), second);
  wait(known(1), third);
  confirmations.forget(gone);
  confirmations.settled("queue", 1, true);
  CHECK(first == true);
  CHECK_FALSE(second);
  CHECK(third == true);
  confirmations.forget(gone);  // and once more is no harm
}

TEST_CASE_FIXTURE(Fixture, "only what was stored before is looked up") {
  std::optional<bool> decided;
  wait(stored(1), decided);
  CHECK(looked_up.empty());
  wait(known(2), decided);
  CHECK(looked_up == std::vector<std::pair<std::string, queue::RowId>>{{"queue", 2}});
}

TEST_CASE_FIXTURE(Fixture, "nobody waits for an event that the handler does not ask for") {
  confirmations.watch({{"queue", {"transport_*"}}});
  std::optional<bool> decided;
  wait(stored(1), decided);
  CHECK(decided == true);
  std::optional<bool> asked_for;
  wait(stored(2), asked_for, "transport_update");
  CHECK_FALSE(asked_for);
}

TEST_CASE_FIXTURE(Fixture,
                  "a change of settings leaves those who wait for the same handler waiting") {
  std::optional<bool> decided;
  const auto ticket = wait(stored(1), decided);
  confirmations.watch({{"queue", {waybill}}, {"other", {}}});
  CHECK_FALSE(decided);
  SUBCASE("until it is done") {
    confirmations.settled("queue", 1, true);
    CHECK(decided == true);
  }
  SUBCASE("and those who wait for one that went in vain") {
    confirmations.watch({});
    confirmations.settled("queue", 1, true);
    confirmations.forget(ticket);
    CHECK_FALSE(decided);
  }
}

TEST_CASE_FIXTURE(Fixture, "what was done long ago is asked of the store") {
  for (queue::RowId id = 1; id <= 65'537; ++id) confirmations.settled("queue", id, true);
  std::optional<bool> decided;
  wait(known(1), decided);
  CHECK_FALSE(decided);
  CHECK(looked_up.size() == 1);
  wait(known(2), decided);
  CHECK(decided == true);
}
