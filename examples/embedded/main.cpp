// The receiver inside a program of your own, with three callbacks fed from the durable queue.
// Run it with a configuration made by `wxpush init`:  embedded wxpush.toml
#include <wxpush/coroutine.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

namespace asio = boost::asio;

// Callbacks have threads of their own, and what they share is yours to protect. Here: whole lines.
static void say(const std::string& line) {
  std::puts(line.c_str());
}

int main(int argc, char** argv) try {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  wxpush::Receiver receiver(argc > 1 ? argv[1] : "wxpush.toml");

  // Typed: every delivery status, in order. Throw to be called again; an event may come twice.
  receiver.on_waybill_status(
      "orders", [](const wxpush::Event& event, const wxpush::WaybillStatus& status) {
        const auto* known = wxpush::find_order_status(status.order_status);
        say("order " + status.shop_order_id + " is now " + std::to_string(status.order_status) +
            ", " + (known != nullptr ? std::string(known->english) : "unknown") + " (event " +
            std::to_string(event.id) + ")");
      });

  // Generic, and filtered: what WeChat pushed, as it came.
  receiver.on_event(
      "audit",
      [](const wxpush::Event& event) {
        if (event.body.size() > 100'000) return wxpush::permanent("too long for us");
        say("stored " + event.type + ", " + std::to_string(event.body.size()) + " bytes");
        return wxpush::done();
      },
      {.events = {"update_*", "debug_demo"}});

  // A coroutine: hundreds may wait for something at once, on one thread.
  receiver.on_event("slow-system",
                    [](const wxpush::Event& event) -> asio::awaitable<void> {
                      const auto executor = co_await asio::this_coro::executor;
                      asio::steady_timer answer(executor, std::chrono::milliseconds(20));
                      co_await answer.async_wait(asio::use_awaitable);
                      say("told the slow system of " + event.event_id.substr(0, 12));
                    },
                    {.concurrency = 256});

  return receiver.run();  // until SIGTERM or SIGINT; then it drains
} catch (const wxpush::StartError& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return error.exit_code();
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 70;
}
