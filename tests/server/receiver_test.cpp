// The public API (include/wxpush/), over a real store that was filled before.
#include "handlers/event/event_id.h"
#include "handlers/queue/queue.h"
#include "tests/config/scratch.h"
#include <wxpush/coroutine.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <future>
#include <latch>
#include <mutex>
#include <unistd.h>

using namespace wxpush;
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::chrono::seconds patience{60};

std::string status_body(const std::string& order, int status) {
  return R"({"MsgType":"event","Event":"update_waybill_status","shopid":"s","shop_order_id":")" +
         order + R"(","waybill_id":"w","action_time":1700000000,"order_status":)" +
         std::to_string(status) +
         R"(,"agent":{"name":"Zhang","phone":"1","reach_time":1700000600}})";
}

std::string settings(const std::string& log_level) {
  return "[server]\ntls = \"off\"\nlisten = \"127.0.0.1:0\"\nthreads = 1\n[admin]\nlisten = "
         "\"off\"\n[store]\npath = \"store\"\nmin_free = \"1MiB\"\n[log]\nlevel = \"" +
         log_level + "\"\n" + config::test::shop;
}

// Settings and a store in a folder of their own.
struct World {
  config::test::Scratch scratch;
  std::filesystem::path file = scratch.write("wxpush.toml", settings("error"));

  void store(const std::string& type, const std::string& order, const std::string& body) const {
    queue::QueueSettings settings;
    settings.directory = scratch.folder() / "store";
    SystemClock clock;
    queue::SystemDisk disk;
    NullLog log;
    const auto queue = queue::Queue::open(settings, clock, disk, log);
    queue->start({});
    queue::NewEvent event;
    event.event_id = event::make_event_id("wxshop", body);
    event.app = "shop";
    event.appid = "wx0123456789abcdef";
    event.type = type;
    event.order_key = order;
    event.kind = event::ContentKind::json;
    event.received_at = clock.wall();
    event.body = body;
    std::promise<queue::Appended> stored;
    queue->append(event, [&](const queue::Appended& appended) { stored.set_value(appended); });
    REQUIRE_FALSE(stored.get_future().get().error);
  }
  void status(const std::string& order, int status) const {
    store("update_waybill_status", order, status_body(order, status));
  }
};

// What callbacks told, from whatever thread.
class Notes {
 public:
  void add(std::string note) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(note));
    changed_.notify_all();
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    CHECK(changed_.wait_for(lock, patience, [&] { return notes_.size() >= count; }));
    return notes_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> notes_;
};

using Lines = std::vector<std::string>;

Options from_oldest() {
  Options options;
  options.from_oldest = true;
  options.retry_min = options.retry_max = milliseconds(1);
  return options;
}

}  // namespace

TEST_CASE("typed callbacks get statuses as values, generic ones what their filter lets through") {
  const World world;
  world.status("o1", 202);
  world.store("debug_demo", "", R"({"Event":"debug_demo"})");
  world.store("update_waybill_status", "o2", "{}");  // not to be read as a status
  world.status("o1", 302);
  Notes typed, generic;
  Receiver receiver(world.file);
  receiver.on_waybill_status(
      "typed",
      [&](const Event& event, const WaybillStatus& status) {
        CHECK(event.appid == "wx0123456789abcdef");
        CHECK(event.event_id.size() == 64);
        CHECK(event.order_key == "o1");
        CHECK(status.agent->reach_time ==
              std::chrono::sys_seconds(std::chrono::seconds(1700000600)));
        typed.add(std::to_string(event.id) + " " + status.shop_order_id + " " +
                  std::string(find_order_status(status.order_status)->english));
      },
      from_oldest());
  auto options = from_oldest();
  options.events = {"DEBUG_*"};
  options.apps = {"shop"};
  receiver.on_event(
      "generic", [&](const Event& event) { generic.add(event.type + event.body); }, options);
  receiver.start();
  CHECK(receiver.push_addresses().at(0).starts_with("127.0.0.1:"));
  CHECK(receiver.admin_address().empty());
  CHECK(typed.wait_for(2) == Lines{"1 o1 picked up", "4 o1 delivered"});
  CHECK(generic.wait_for(1) == Lines{R"(debug_demo{"Event":"debug_demo"})"});
  CHECK(receiver.stop() == 0);
  CHECK(receiver.push_addresses().empty());
}

TEST_CASE("throwing and retry() bring an event again; Permanent and permanent() never") {
  const World world;
  world.status("o1", 101);
  world.status("o1", 102);
  world.status("o1", 201);
  Notes notes;
  Receiver receiver(world.file);
  receiver.on_event(
      "picky",
      [&, own = std::make_unique<int>(0)](const Event& event) {  // what it captures may be its own
        ++*own;
        notes.add(std::to_string(event.id) + "." + std::to_string(event.attempt));
        if (event.id == 1 && event.attempt == 1) throw std::runtime_error("not yet");
        if (event.id == 1 && event.attempt == 2) return retry("nor now", milliseconds(1));
        if (event.id == 1) throw Permanent("never");
        return event.id == 2 ? permanent("nor this") : done();
      },
      from_oldest());
  receiver.start();
  CHECK(notes.wait_for(5) == Lines{"1.1", "1.2", "1.3", "2.1", "3.1"});
  CHECK(receiver.stop() == 0);
}

TEST_CASE("coroutines answer as other callbacks do, and many wait on one thread") {
  const World world;
  for (const auto* order : {"o1", "o2", "o3"}) world.status(order, 101);
  world.status("o1", 302);
  Notes notes;
  asio::steady_timer* gate = nullptr;  // opened by the last of three; all on one thread
  int arrived = 0;
  Receiver receiver(world.file);
  auto options = from_oldest();
  options.concurrency = 3;
  receiver.on_event(
      "waiting",
      [&](const Event& event) -> asio::awaitable<Result> {
        if (event.id == 4) {
          notes.add("4." + std::to_string(event.attempt));
          if (event.attempt == 1) throw std::runtime_error("again");
          if (event.attempt == 2) co_return retry("and again");
          throw Permanent("no more");
        }
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer mine(executor, patience);
        if (++arrived == 1) gate = &mine;
        if (arrived < 3 && gate == &mine) {
          boost::system::error_code ignored;
          co_await mine.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        } else if (arrived == 3) {
          gate->cancel();
        }
        notes.add("met");
        co_return done();
      },
      options);
  receiver.on_waybill_status(
      "typed-waiting",
      [&](const Event&, const WaybillStatus& status) -> asio::awaitable<void> {
        notes.add("status " + std::to_string(status.order_status));
        co_return;
      },
      from_oldest());
  receiver.start();
  auto all = notes.wait_for(3 + 3 + 4);
  std::ranges::sort(all);
  CHECK(all == Lines{"4.1", "4.2", "4.3", "met", "met", "met", "status 101", "status 101",
                     "status 101", "status 302"});
  CHECK(receiver.stop() == 0);
}

TEST_CASE("orders go side by side up to the concurrency") {
  const World world;
  world.status("o1", 101);
  world.status("o2", 101);
  std::latch both(2);
  Notes notes;
  Receiver receiver(world.file);
  auto options = from_oldest();
  options.concurrency = 2;
  receiver.on_event(
      "pair",
      [&](const Event&) {
        both.arrive_and_wait();
        notes.add("met");
      },
      options);
  receiver.start();
  CHECK(notes.wait_for(2).size() == 2);
  CHECK(receiver.stop() == 0);
}

TEST_CASE("stop gives up a callback that blocks, says so, and its event comes again") {
  const World world;
  world.status("o1", 101);
  Notes notes;
  std::promise<void> release, released;
  std::atomic<int> calls = 0;
  Receiver receiver(world.file);
  receiver.on_event(
      "blocked",
      [&](const Event& event) {
        notes.add(event.order_key);
        if (calls++ > 0) return;
        release.get_future().wait();
        notes.add(event.order_key);  // still its own
        released.set_value();
      },
      from_oldest());
  receiver.start();
  notes.wait_for(1);
  CHECK(receiver.stop(milliseconds(0)) == 1);
  CHECK(receiver.stop(milliseconds(0)) == 1);  // told again
  release.set_value();
  released.get_future().wait();
  receiver.start();
  CHECK(notes.wait_for(3) == Lines{"o1", "o1", "o1"});
  CHECK(receiver.stop() == 0);
}

TEST_CASE("stop cancels a coroutine that waits for ever") {
  const World world;
  world.status("o1", 101);
  Notes notes;
  Receiver receiver(world.file);
  receiver.on_event(
      "endless",
      [&](const Event&) -> asio::awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer never(executor, asio::steady_timer::time_point::max());
        notes.add("waits");
        try {
          co_await never.async_wait(asio::use_awaitable);
        } catch (const std::exception&) {
          notes.add("cancelled");
          throw;
        }
      },
      from_oldest());
  receiver.start();
  notes.wait_for(1);
  CHECK(receiver.stop(milliseconds(0)) == 0);
  CHECK(notes.wait_for(2) == Lines{"waits", "cancelled"});
}

TEST_CASE("start and stop: twice is a mistake or nothing, and a stopped one starts again") {
  const World world;
  Receiver receiver(world.file);
  CHECK(receiver.stop() == 0);  // never started
  CHECK(receiver.wait() == 0);
  receiver.start();
  CHECK_THROWS_AS(receiver.start(), std::logic_error);
  CHECK_THROWS_AS(receiver.run(), std::logic_error);
  CHECK_THROWS_AS(receiver.on_event("late", [](const Event&) {}), std::logic_error);
  Receiver second(world.file);
  try {
    second.start();
    FAIL("two receivers over one store");
  } catch (const StartError& error) {
    CHECK(error.exit_code() == 75);
  }
  auto waiting = std::async(std::launch::async, [&] { return receiver.wait(); });
  CHECK(receiver.stop() == 0);
  CHECK(waiting.get() == 0);
  CHECK(receiver.stop() == 0);
  second.start();  // the store is free
  CHECK(second.stop(milliseconds::max()) == 0);
  receiver.start();  // and the destructor stops it
}

TEST_CASE("run ends by stop from another thread, and runs again with the file as it is then") {
  const World world;
  world.status("o1", 101);
  Notes notes;
  Receiver receiver(world.file);
  receiver.on_event(
      "once", [&](const Event& event) { notes.add(event.order_key); }, from_oldest());
  auto code = std::async(std::launch::async, [&] { return receiver.run(); });
  notes.wait_for(1);
  CHECK_THROWS_AS(receiver.run(), std::logic_error);
  CHECK_THROWS_AS(receiver.start(), std::logic_error);
  auto waiting = std::async(std::launch::async, [&] { return receiver.wait(); });
  CHECK(receiver.stop() == 0);
  const bool stopped = code.wait_for(patience) == std::future_status::ready;
  CHECK(stopped);
  if (!stopped) std::raise(SIGTERM);
  CHECK(code.get() == 0);
  CHECK(waiting.get() == 0);
  receiver.start();  // afterwards, too
  CHECK(receiver.stop() == 0);
  std::ofstream(world.file, std::ios::app) << "nonsense = 1\n";
  CHECK(receiver.run() == 78);
  CHECK(receiver.stop() == 0);
}

TEST_CASE("who waits for the end is not misled by a new start") {
  for (int round = 0; round < 5; ++round) {
    const World world;
    world.status("o1", 101);
    Notes notes;
    std::promise<void> release;
    Receiver receiver(world.file);
    receiver.on_event(
        "blocked",
        [&](const Event& event) {
          notes.add(event.order_key);
          release.get_future().wait();
        },
        from_oldest());
    receiver.start();
    notes.wait_for(1);
    const auto address = receiver.push_addresses().at(0);
    const auto port = std::stoi(address.substr(address.rfind(':') + 1));
    auto first = std::async(std::launch::async, [&] { return receiver.stop(patience); });
    asio::io_context io;
    boost::system::error_code refused;
    while (!refused) {  // until it drains
      asio::ip::tcp::socket socket(io);
      const auto loopback = asio::ip::address_v4::loopback();
      socket.connect({loopback, static_cast<std::uint16_t>(port)}, refused);
    }
    release.set_value();
    CHECK(receiver.stop() == 0);
    receiver.start();
    CHECK(first.wait_for(patience) == std::future_status::ready);
    CHECK(receiver.push_addresses().size() == 1);  // and it did not stop this one
    CHECK(receiver.stop() == 0);
    CHECK(first.get() == 0);
  }
}

TEST_CASE("stop does not wait for a reader of the log that does not read") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  REQUIRE(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  const std::string filling(4096, 'x');
  while (write(ends[1], filling.data(), filling.size()) > 0) continue;
  REQUIRE(fcntl(ends[1], F_SETFL, 0) == 0);
  std::fflush(stdout);
  const int console = dup(STDOUT_FILENO);
  dup2(ends[1], STDOUT_FILENO);
  config::test::Scratch scratch;
  Receiver receiver(scratch.write("wxpush.toml", settings("info")));
  receiver.start();
  auto stopped = std::async(std::launch::async, [&] { return receiver.stop(milliseconds(0)); });
  const bool in_time = stopped.wait_for(patience) == std::future_status::ready;
  dup2(console, STDOUT_FILENO);
  std::string read_off(1U << 20, ' ');
  static_cast<void>(read(ends[0], read_off.data(), read_off.size()));
  CHECK(in_time);
  CHECK(stopped.get() == 0);
  close(console);  // the pipe stays: somebody may still be writing into it
}

TEST_CASE("reload takes the file over, whole or not at all; callbacks stay") {
  const World world;
  world.status("o1", 101);
  Notes notes;
  Receiver receiver(world.file);
  receiver.on_event(
      "stays", [&](const Event& event) { notes.add(event.order_key); }, from_oldest());
  CHECK_THROWS_AS(receiver.reload(), std::logic_error);
  receiver.start();
  CHECK(receiver.reload().changed.empty());
  const auto append = [&](const std::string& text) {
    std::ofstream(world.file, std::ios::app) << text;
  };
  append("[[handler]]\nname = \"more\"\ntype = \"log\"\n");
  CHECK(receiver.reload().changed == Lines{"handler more: added"});
  append("nonsense = 1\n");
  try {
    receiver.reload();
    FAIL("settings with a mistake");
  } catch (const ReloadError& error) {
    CHECK(std::string(error.what()).find("nonsense") != std::string::npos);
  }
  CHECK(notes.wait_for(1) == Lines{"o1"});
  CHECK(receiver.stop() == 0);
  CHECK_THROWS_AS(receiver.start(), StartError);  // the file is read again
}

TEST_CASE("orders are read beside the running receiver, from a callback, and after the stop") {
  const World world;
  Receiver receiver(world.file);
  CHECK_THROWS_AS(receiver.orders("o1"), std::runtime_error);  // there is no store yet
  const std::string key = "wx0123456789abcdef/s/o1";
  world.status(key, 101);
  world.status(key, 302);
  world.status("wx0123456789abcdef/s/o2", 101);
  Notes notes;
  receiver.on_event(
      "looks",
      [&](const Event& event) {
        const auto orders = receiver.orders(event.order_key);
        notes.add(event.order_key + (orders.at(0).open() ? " open" : " delivered"));
      },
      from_oldest());
  receiver.start();
  auto told = notes.wait_for(3);
  std::ranges::sort(told);
  CHECK(told == Lines{key + " delivered", key + " delivered", "wx0123456789abcdef/s/o2 open"});
  const auto orders = receiver.orders("o1");
  REQUIRE(orders.size() == 1);
  CHECK(orders[0].order_key == key);
  CHECK(orders[0].app == "shop");
  CHECK(orders[0].appid == "wx0123456789abcdef");
  CHECK(orders[0].latest().waybill_id == "w");
  CHECK(orders[0].latest().steps.size() == 2);
  CHECK(orders[0].latest().current().status.order_status == 302);
  CHECK(orders[0].latest().current().status.agent->name == "Zhang");
  CHECK(receiver.orders("w").size() == 2);
  CHECK(receiver.orders("w").at(0).order_key == "wx0123456789abcdef/s/o2");  // the newest first
  CHECK(receiver.orders("none").empty());
  CHECK(receiver.orders("").empty());
  CHECK(receiver.stop() == 0);
  CHECK(receiver.orders(key).size() == 1);
}

TEST_CASE("mistakes are told when they are made") {
  const World world;
  Receiver receiver(world.file);
  const auto refused = [&](const std::string& name, const Options& options) {
    try {
      receiver.on_event(
          name, [](const Event&) {}, options);
      return std::string("taken");
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
  };
  const auto with = [](auto change) {
    Options options;
    change(options);
    return options;
  };
  CHECK(refused("fine", {}) == "taken");
  CHECK(refused("fine", {}).find("one of this name already") != std::string::npos);
  CHECK(refused("Not Fine", {}).find("\"Not Fine\"") != std::string::npos);
  CHECK(refused("a", with([](auto& o) { o.apps = {"cafe"}; })).find("\"cafe\"") !=
        std::string::npos);
  CHECK(refused("a", with([](auto& o) { o.events = {""}; })) != "taken");
  CHECK(refused("a", with([](auto& o) { o.concurrency = 0; })) != "taken");
  CHECK(refused("a", with([](auto& o) { o.max_attempts = 0; })) != "taken");
  CHECK(refused("a", with([](auto& o) { o.retry_min = o.retry_max + milliseconds(1); })) !=
        "taken");
  CHECK(refused("a", with([](auto& o) { o.give_up_after = {}; })) != "taken");
  CHECK(refused("a", with([](auto& o) { o.renamed_from = "?"; })) != "taken");
  try {
    const Receiver none(world.scratch.folder() / "none.toml");
    FAIL("settings that are not there");
  } catch (const StartError& error) {
    CHECK(error.exit_code() == 78);
    CHECK(std::string(error.what()).find("none.toml") != std::string::npos);
  }
}
