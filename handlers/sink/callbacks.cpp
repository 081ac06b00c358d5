#include "handlers/sink/callbacks.h"

#include <utility>

namespace wxpush::sink {

Callbacks& Callbacks::on_event(std::string name, EventCallback callback,
                               std::vector<std::string> events) {
  return add({std::move(name), {}, std::move(events), false, std::move(callback), 1});
}

Callbacks& Callbacks::on_waybill_status(std::string name, WaybillStatusCallback callback) {
  auto typed = [callback = std::move(callback)](const Delivery& delivery) {
    if (delivery.message.waybill_status) callback(delivery, *delivery.message.waybill_status);
  };
  return add({std::move(name), {}, {"update_waybill_status"}, false, std::move(typed), 1});
}

Callbacks& Callbacks::add(CallbackHandler handler) {
  handlers_.push_back(std::move(handler));
  return *this;
}

}  // namespace wxpush::sink
