// A recorded push, sent again: known for as long as the store keeps ids, and refused for as long as
// max_push_age says. docs/threat-model.md, "Replay", states the horizon.
#include "crypto/wechat/push_codec.h"
#include "crypto/wechat/signature.h"
#include "handlers/event/envelope.h"
#include "server/push_endpoint.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::server;

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr hours retention{24 * 7};
constexpr auto aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

config::App shop() {
  config::App app;
  app.name = "shop";
  app.appid = "wxshop";
  app.paths = {"/wx/shop"};
  app.keys = {{"default", config::Secret("token"), config::Secret(aes_key)}};
  return app;
}

// What an eavesdropper has: the bytes of one push, as they went over the wire.
struct Recording {
  std::string query, body;

  explicit Recording(WallTime sent) {
    const auto key = crypto::PushKey::make("k", "token", aes_key).value();
    const auto timestamp =
        std::to_string(std::chrono::floor<seconds>(sent).time_since_epoch().count());
    const auto encrypted =
        crypto::encrypt(key, {}, R"({"Event":"a","FromUserName":"b"})", "wxshop");
    query = "timestamp=" + timestamp + "&nonce=n&msg_signature=" +
            crypto::message_signature("token", timestamp, "n", encrypted);
    body = event::write_envelope(event::Format::json, "gh_1", encrypted);
  }
};

struct Replaying : queue::StoreFixture {
  Metrics metrics;
  crypto::SystemRandom random;
  std::shared_ptr<const AppTable> apps = std::make_shared<AppTable>(std::vector{shop()}, metrics);

  // The endpoint's decision, and what the queue makes of it.
  std::optional<queue::Appended> replay(const Recording& recorded, seconds max_push_age) {
    PushEndpoint endpoint(apps, random, max_push_age);
    const Request request{Method::post, "/wx/shop", recorded.query, recorded.body, {}, {}};
    auto action = endpoint.accept(request, clock.wall());
    if (!action.append) return std::nullopt;
    return append(std::move(*action.append));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Replaying, "within retention a recorded push is known, however often it comes") {
  open();
  const Recording recorded(clock.wall());
  const auto first = replay(recorded, seconds{0});
  REQUIRE(first.has_value());
  CHECK_FALSE(first->duplicate);
  for (int day = 1; day < 7; ++day) {
    pass(hours{24});
    const auto again = replay(recorded, seconds{0});
    REQUIRE(again.has_value());
    CHECK(again->duplicate);
    CHECK(again->id == first->id);
  }
  CHECK(ids().size() == 1);
}

TEST_CASE_FIXTURE(
    Replaying, "after it the same push is a new event of the same event_id: that is the horizon") {
  open();
  const Recording recorded(clock.wall());
  const auto first = replay(recorded, seconds{0});
  const auto event_id = all().at(0).event_id;
  pass(retention + minutes{2});
  REQUIRE(ids().empty());
  const auto later = replay(recorded, seconds{0});
  REQUIRE(later.has_value());
  CHECK_FALSE(later->duplicate);
  CHECK(later->id > first->id);
  CHECK(all().at(0).event_id == event_id);  // whoever counts by it takes no harm
}

TEST_CASE_FIXTURE(Replaying, "what a handler has not settled yet stays known beyond retention") {
  open(false);
  queue->register_handler("slow", {}, {}, true, "");
  queue->start({});
  const Recording recorded(clock.wall());
  CHECK_FALSE(replay(recorded, seconds{0})->duplicate);
  pass(retention * 3);
  CHECK(replay(recorded, seconds{0})->duplicate);
}

TEST_CASE_FIXTURE(Replaying, "with max_push_age up to retention there is no horizon") {
  open();
  const Recording recorded(clock.wall());
  const seconds bound = retention;
  CHECK_FALSE(replay(recorded, bound)->duplicate);
  pass(retention - minutes{1});
  CHECK(replay(recorded, bound)->duplicate);
  pass(minutes{3});
  REQUIRE(ids().empty());
  CHECK_FALSE(
      replay(recorded, bound));  // refused: its timestamp is signed, so it cannot be renewed
}
