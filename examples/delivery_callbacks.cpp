// The receiver inside your own program: two callbacks, fed from the durable queue.
// Run it with a configuration made by `wxpush init`:  delivery_callbacks wxpush.toml
#include "server/receiver.h"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) try {
  // Each callback has a thread of its own; what they share is yours to protect. Here: whole lines.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  wxpush::Receiver receiver(argc > 1 ? argv[1] : "wxpush.toml");

  // Typed: every delivery status, in order. Throw to be called again; an event may come twice.
  receiver.on_waybill_status("orders", [](const auto& event, const auto& status) {
    std::printf("order %s is now %d (event %lld)\n", status.shop_order_id.c_str(),
                status.order_status, static_cast<long long>(event.stored.id));
  });

  // Generic: everything that WeChat pushes, as it came.
  receiver.on_event("audit", [](const auto& event) {
    std::printf("stored %s, %zu bytes\n", event.stored.type.c_str(), event.stored.body.size());
  });

  return receiver.run();
} catch (const std::exception& error) {
  std::fputs(error.what(), stderr);
  return 78;
}
