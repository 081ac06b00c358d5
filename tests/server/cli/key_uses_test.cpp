#include "server/cli/key_uses.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::cli;
using namespace std::chrono_literals;

namespace {

constexpr WallTime now{std::chrono::seconds(1'700'000'000)};

KeyUse use(const std::string& app, const std::string& key, std::optional<WallTime> last) {
  KeyUse result;
  result.app = app;
  result.key = key;
  result.last_used = last;
  return result;
}

bool removable(std::vector<KeyUse> uses) {  // the first of them
  mark_removable(uses, now);
  return uses.front().safe_to_remove;
}

}  // namespace

TEST_CASE("safe to remove: another key was used later, and this one not for seven days") {
  CHECK(removable({use("shop", "old", now - 168h), use("shop", "new", now - 1h)}));
  CHECK(removable({use("shop", "old", now - 900h), use("shop", "new", now - 899h)}));
}

TEST_CASE(
    "not safe: used lately, or the last that was used, or never used, or another app's matter") {
  CHECK_FALSE(removable({use("shop", "old", now - 167h), use("shop", "new", now - 1h)}));
  CHECK_FALSE(removable({use("shop", "only", now - 900h)}));
  CHECK_FALSE(removable({use("shop", "last", now - 899h), use("shop", "older", now - 900h)}));
  CHECK_FALSE(removable({use("shop", "next", std::nullopt), use("shop", "old", now - 1h)}));
  CHECK_FALSE(removable({use("shop", "old", now - 900h), use("other", "new", now - 1h)}));
}

TEST_CASE("read from a running server's status") {
  const auto uses = uses_in_status(
      R"({"apps":[{"name":"shop","keys":[{"name":"new","uses":7,"last_used_at":"2023-11-14T22:13:20.000Z"},)"
      R"({"name":"old","uses":0,"last_used_at":null}]}]})",
      now);
  REQUIRE(uses.size() == 2);
  CHECK(uses[0].app == "shop");
  CHECK(uses[0].uses == 7);
  CHECK(uses[0].last_used == now);
  CHECK(uses[1].key == "old");
  CHECK(uses[1].last_used == std::nullopt);
  CHECK(uses_in_status("no JSON", now).empty());
}

TEST_CASE(
    "read from what the store remembers: every key of the settings, used or not, broken facts "
    "skipped") {
  config::Settings settings;
  config::App app;
  app.name = "shop";
  for (const char* name : {"a", "b", "c"}) app.keys.push_back({name, {}, {}});
  settings.apps.push_back(app);
  const auto uses = uses_in_store(settings, {{"key_used/shop/a", "1700000000000 12"},
                                             {"key_used/shop/b", "soon"},
                                             {"key_used/gone/a", "1 1"}});
  REQUIRE(uses.size() == 3);
  CHECK(uses[0].last_used == now);
  CHECK(uses[0].uses == 12);
  CHECK(uses[1].last_used == std::nullopt);
  CHECK(uses[2].uses == 0);
}
