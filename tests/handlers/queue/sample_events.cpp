#include "tests/handlers/queue/sample_events.h"

#include <fstream>
#include <stdexcept>

namespace wxpush::queue {

NewEvent genuine(std::uint64_t n, const std::string& order) {
  NewEvent event;
  event.app = "shop";
  event.appid = "wx0123456789abcdef";
  event.body = R"({"Event":"update_waybill_status","CreateTime":1700000000,"shopid":"s1",)"
               R"("shop_order_id":")" +
               order + R"(","order_status":102,"n":)" + std::to_string(n) + "}";
  event.event_id = event::make_event_id(event.appid, event.body);
  const event::Message message = event::read_message(event.appid, event.body);
  event.type = message.type;
  event.kind = message.kind;
  event.order_key = message.order_key;
  if (message.event_time) event.event_time = WallTime{std::chrono::seconds{*message.event_time}};
  return event;
}

bool same(const NewEvent& one, const NewEvent& other) {
  return one.event_id == other.event_id && one.body == other.body && one.app == other.app &&
         one.appid == other.appid && one.type == other.type && one.order_key == other.order_key &&
         one.kind == other.kind && one.received_at == other.received_at &&
         one.event_time == other.event_time;
}

void flip_bit(const std::filesystem::path& file, std::uint64_t byte, unsigned bit) {
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekg(static_cast<std::streamoff>(byte));
  const int value = bytes.get();
  bytes.seekp(static_cast<std::streamoff>(byte));
  bytes.put(static_cast<char>(value ^ (1 << bit)));
  bytes.flush();
  if (!bytes) throw std::runtime_error("cannot change " + file.string());
}

}  // namespace wxpush::queue
