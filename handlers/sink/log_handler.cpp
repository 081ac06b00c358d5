#include "handlers/sink/log_handler.h"

#include <utility>

namespace wxpush::sink {

EventCallback make_log_handler(std::string name, Log& log) {
  return [name = std::move(name), &log](const Delivery& delivery) -> Outcome {
    const auto& stored = delivery.stored;
    const auto& status = delivery.message.waybill_status;
    const auto* meaning = status ? event::find_order_status(status->order_status) : nullptr;
    log.deliver(LogLevel::info, "event",
                {{"handler", name},
                 {"id", stored.id},
                 {"event_id", event::to_string(stored.event_id)},
                 {"app", stored.app},
                 {"type", stored.type},
                 {"order_key", stored.order_key},
                 {"waybill_id", status ? status->waybill_id : std::string{}},
                 {"order_status", status ? std::to_string(status->order_status) : std::string{}},
                 {"meaning", meaning != nullptr ? meaning->english : std::string_view{}},
                 {"meaning_zh", meaning != nullptr ? meaning->chinese : std::string_view{}},
                 {"stale", delivery.marks.stale ? "true" : ""},
                 {"repeat_of",
                  delivery.marks.repeat_of != 0 ? std::to_string(delivery.marks.repeat_of) : ""}});
    return std::nullopt;
  };
}

}  // namespace wxpush::sink
