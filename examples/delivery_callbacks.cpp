// The receiver inside your own program: two callbacks, fed from the durable queue.
// Run it with a configuration made by `wxpush init`:  delivery_callbacks wxpush.toml
#include "server/receiver.h"

#include <exception>
#include <iostream>

int main(int argc, char** argv) try {
  wxpush::Receiver receiver(argc > 1 ? argv[1] : "wxpush.toml");

  // Typed: every delivery status, in order. Throw to be called again; the same event_id may come
  // twice.
  receiver.on_waybill_status(
      "orders", [](const wxpush::Delivery& event, const wxpush::WaybillStatus& status) {
        std::cout << "order " << status.shop_order_id << " is now " << status.order_status
                  << " (event " << event.stored.id << ")" << std::endl;
      });

  // Generic: everything that WeChat pushes, as it came.
  receiver.on_event("audit", [](const wxpush::Delivery& event) {
    std::cout << "stored " << event.stored.type << ", " << event.stored.body.size() << " bytes"
              << std::endl;
  });

  return receiver.run();
} catch (const std::exception& error) {
  std::cerr << error.what();
  return 78;
}
