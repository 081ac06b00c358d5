// The reading commands over a real store, as the queue writes it.
#include "handlers/base/log.h"
#include "handlers/event/message.h"
#include "tests/server/cli/support.h"

#include <doctest/doctest.h>

#include <future>

using namespace wxpush;
using namespace wxpush::cli;
using namespace wxpush::cli::test;

namespace {

queue::NewEvent new_event(const std::string& body) {
  const std::string appid = "wx0123456789abcdef";
  const event::Message message = event::read_message(appid, body);
  queue::NewEvent event;
  event.event_id = event::make_event_id(appid, body);
  event.app = "shop";
  event.appid = appid;
  event.type = message.type;
  event.order_key = message.order_key;
  event.kind = message.kind;
  event.received_at = SystemClock().wall();
  event.body = body;
  return event;
}

// Stores the bodies in this order, and pushes the first one twice.
void fill(const std::string& directory, const std::vector<std::string>& bodies) {
  SystemClock clock;
  queue::SystemDisk disk;
  NullLog log;
  queue::QueueSettings settings;
  settings.directory = directory;
  const auto queue = queue::Queue::open(settings, clock, disk, log);
  queue->register_handler("log", {}, {}, true, "");
  queue->start({});
  for (const std::string& body : bodies) {
    std::promise<boost::system::error_code> done;
    queue->append(new_event(body),
                  [&](const queue::Appended& appended) { done.set_value(appended.error); });
    REQUIRE_FALSE(done.get_future().get());
  }
  queue->settle(1, 1);
  queue->stop();
}

std::string status_body(const std::string& order, int status) {
  return R"({"ToUserName":"gh","FromUserName":"o","CreateTime":1700000000,"MsgType":"event","Event":"update_waybill_status",)"
         R"("shopid":"s","shop_order_id":")" +
         order + R"(","waybill_id":"w","action_time":1700000000,"order_status":)" +
         std::to_string(status) + R"(,"agent":{"name":"张三","phone":"138"}})";
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("stored events are listed, searched and shown, masked unless revealed") {
  const Directory directory;
  const std::string file = init(directory);
  fill(directory / "store",
       {status_body("A17", 102), status_body("B18", 102), status_body("A17", 302), "not JSON"});

  const Ran all = run_command({"events", "list", "-c", file, "--format", "json"});
  CHECK(all.code == exit_ok);
  CHECK(lines(all.out) == 4);
  CHECK_FALSE(holds(all.out, "张三"));
  CHECK(holds(all.out, "\"state\":\"delivered\""));
  CHECK(holds(all.out, "\"state\":\"pending\""));

  CHECK(lines(run_command({"events", "list", "-c", file}).out) == 5);  // with its titles
  CHECK(lines(run_command({"events", "list", "-c", file, "--format", "json", "--order", "A17"})
                  .out) == 2);
  CHECK(lines(run_command({"events", "list", "-c", file, "--format", "json", "--order",
                           "wx0123456789abcdef/s/B18"})
                  .out) == 1);
  CHECK(lines(run_command({"events", "list", "-c", file, "--format", "json", "--state", "pending"})
                  .out) == 3);
  const Ran newest =
      run_command({"events", "list", "-c", file, "--format", "json", "--limit", "1"});
  CHECK(newest.out.starts_with("{\"id\":4,"));

  const Ran shown = run_command({"events", "show", "3", "-c", file, "--reveal"});
  CHECK(shown.code == exit_ok);
  CHECK(holds(shown.out, "302 "));
  CHECK(holds(shown.out, "张三"));
  CHECK(run_command({"events", "show", "99", "-c", file}).code == exit_no);
}

TEST_CASE("status without a server tells what the store holds, and that there is none") {
  const Directory directory;
  const std::string file = init(directory);
  fill(directory / "store", {status_body("A17", 102), status_body("A17", 302)});
  const Ran ran = run_command({"status", "-c", file});
  CHECK(ran.code == exit_unavailable);
  CHECK(holds(ran.err, "no server is running"));
  CHECK(holds(ran.out, "newest id    2"));
  CHECK(holds(ran.out, "log"));
  const Ran keys = run_command({"keys", "status", "-c", file});
  CHECK(keys.code == exit_ok);
  CHECK(holds(keys.out, "not used yet"));
  CHECK(run_command({"quarantine", "list", "-c", file}).out ==
        "ID  RING  APP  RECEIVED  TIMESTAMP  NONCE  BYTES\n");
}
