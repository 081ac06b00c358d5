// [[app.route]]: which pushes another service answers.
#include "tests/config/mistakes.h"

using namespace wxpush::config;
using namespace wxpush::config::test;

namespace {

const std::string routes = R"(
[[app.route]]
events = ["Message.*", "xpay_*"]
url = "https://sdk.internal/callback?shop=1"
ca_file = "ca.pem"
allow_private = true
store = true
[[app.route]]
events = "user_enter_tempsession"
mode = "forward"
url = "unix:/run/sdk.sock:/wechat"
)";

}  // namespace

TEST_CASE("an app's routes, in their order") {
  const Scratch scratch;
  const auto app = scratch.settings(minimal + routes).apps.at(0);
  REQUIRE(app.routes.size() == 2);
  const auto& first = app.routes[0];
  CHECK(first.events == std::vector<std::string>{"message.*", "xpay_*"});
  CHECK(first.mode == RouteMode::forward);
  CHECK(first.url == "https://sdk.internal/callback?shop=1");
  CHECK(first.ca_file == scratch.folder() / "ca.pem");
  CHECK(first.allow_private);
  CHECK(first.store);
  const auto& second = app.routes[1];
  CHECK(second.events == std::vector<std::string>{"user_enter_tempsession"});
  CHECK(second.url == "unix:/run/sdk.sock:/wechat");
  CHECK(second.ca_file.empty());
  CHECK_FALSE(second.allow_private);
  CHECK_FALSE(second.store);
}

TEST_CASE("a route belongs to the app above it, and prints so that it loads again") {
  const Scratch scratch;
  const auto cafe =
      "[[app]]\nname = \"cafe\"\nappid = \"wx2\"\ntoken = \"t\"\nencoding_aes_key = \"" +
      other_aes_key + "\"\n";
  const auto settings = scratch.settings(minimal + routes + cafe);
  CHECK(settings.apps.at(0).routes.size() == 2);
  CHECK(settings.apps.at(1).routes.empty());
  auto printed = to_toml(settings);
  CHECK(printed.find("\n[[app.route]]\nevents = [\"message.*\", \"xpay_*\"]\nmode = \"forward\"\n"
                     "url = \"https://sdk.internal/callback?shop=1\"\nca_file = ") !=
        std::string::npos);
  int pair = 0;  // the pairs are masked, and must differ
  for (auto at = printed.find("\"***\""); at != std::string::npos; at = printed.find("\"***\"")) {
    const bool is_key = printed.substr(0, at).ends_with("encoding_aes_key = ");
    printed.replace(at, 5, "\"" + (is_key ? aes_key : "token-" + std::to_string(pair++)) + "\"");
  }
  const auto again = scratch.settings(printed);
  REQUIRE(again.apps.at(0).routes.size() == 2);
  CHECK(again.apps.at(0).routes[0].store);
  CHECK(again.apps.at(0).routes[0].ca_file == scratch.folder() / "ca.pem");
  CHECK(again.apps.at(0).routes[1].url == "unix:/run/sdk.sock:/wechat");
}

TEST_CASE("bad values in [[app.route]]") {
  const std::string app = app_start + keys;                    // lines 3 to 7
  const std::string route = app + "[[app.route]]\n";           // line 8
  const std::string events = "events = [\"message.*\"]\n";     // line 9
  const std::string url = "url = \"http://127.0.0.1/sdk\"\n";  // line 10
  check({
      {route,
       {"8: app.shop.route[1].events: is missing; name the event types that it is for, such as "
        "[\"message.*\"]",
        "8: app.shop.route[1].url: is missing; give the back end's, such as "
        "\"http://127.0.0.1:3000/wechat\""}},
      {route + "events = []\n" + url,
       {"9: app.shop.route[1].events: lists nothing; write \"*\" for all events"}},
      {route + "events = [\"a*b\", \"a-b\"]\n" + url,
       {"9: app.shop.route[1].events: \"a*b\" is no event type; it has 1 to 128 letters, digits, "
        "\"_\" or \".\" and may end with \"*\", such as \"transport_*\"",
        "9: app.shop.route[1].events: \"a-b\" is no event type; it has 1 to 128 letters, digits, "
        "\"_\" or \".\" and may end with \"*\", such as \"transport_*\""}},
      {route + events + "url = \"ftp://a\"",
       {"10: app.shop.route[1].url: \"ftp://a\" is no URL to post to; write http://…, https://… or "
        "unix:/path/to/socket:/path, without a user name"}},
      {route + events + url + "mode = \"proxy\"",
       {"11: app.shop.route[1].mode: \"proxy\" is unknown; it must be \"forward\""}},
      {route + events + url + "ca_file = \"a.pem\"\nstore = 1",
       {"11: app.shop.route[1].ca_file: is of no use with \"http://127.0.0.1/sdk\": it is for "
        "https",
        "12: app.shop.route[1].store: is an integer; it must be true or false"}},
      {route + events + url + "[[app.route]]\n" + events + url + "timeout = \"1s\"",
       {"14: app.shop.route[2].timeout: unknown key; known here are allow_private, ca_file, "
        "events, mode, store and url"}},
      {app + "route = \"http://127.0.0.1/\"",
       {"8: app.shop.route: must be an array of up to 64 tables: [[app.route]]"}},
      {app + "route = [1]",
       {"8: app.shop.route: must be an array of up to 64 tables: [[app.route]]"}},
  });
}
