#pragma once
// What a callback is given: one stored event, and what it says if it is a delivery status.
// Plain values: copy them, keep them, hand them to other threads.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wxpush {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

// The rider. Personal data: wxpush never logs it, and neither should you.
struct Agent {
  std::string name;
  std::string phone;
  std::optional<std::chrono::sys_seconds> reach_time;  // expected arrival
};

// The message of `update_waybill_status`. Ids and texts are empty if absent.
struct WaybillStatus {
  std::string shopid;
  std::string shop_order_id;
  std::string shop_no;
  std::string waybill_id;                // a re-order has another one under the same shop_order_id
  std::chrono::sys_seconds action_time;  // the carrier's clock; 1970-01-01 if it was absent
  int order_status = 0;                  // its meaning: find_order_status()
  std::string action_msg;                // free text of the carrier; may name people
  std::optional<Agent> agent;            // absent before a rider is assigned
};

// The message of `wxpush.order_silent`, an event of wxpush's own: no further push came within the
// limit after a status ([orders] silent_after). Ids are empty if the status had none.
struct OrderSilent {
  std::string shopid;
  std::string shop_order_id;
  std::string shop_no;
  std::string waybill_id;
  int order_status = 0;                  // the last that was told
  std::chrono::sys_seconds action_time;  // of it; 1970-01-01 if it had none
  std::chrono::seconds after{};          // the limit
  std::string last_event_id;             // of that status's event
};

struct Event {
  std::uint64_t id = 0;  // rises with each stored event of this store, never reused

  // 64 hex digits, a function of appid and message alone: the same over retries, restarts and
  // machines. An event may be delivered twice: keep the ones you have dealt with, and compare this.
  std::string event_id;

  std::string app;    // the app's name in the settings
  std::string appid;  // as in WeChat's console
  std::string type;   // the message's Event in lower case, "update_waybill_status"; a message that
                      // is no event: "message.text" and the like; empty if it could not be read

  // Events with the same key are delivered one at a time, in the order stored: a delivery order, or
  // what else belongs together. Its parts are percent-encoded and joined by '/'. Empty: unordered.
  std::string order_key;

  Time received_at{};              // when WeChat pushed it
  std::optional<Time> event_time;  // as the message says: action_time, else CreateTime
  std::string body;                // the decrypted message, byte for byte as WeChat sent it; of an
                                   // event of wxpush's own (wxpush.*), as wxpush wrote it

  // Present if type is "update_waybill_status" and the message could be read as one.
  std::optional<WaybillStatus> waybill_status;
  // Present if type is "wxpush.order_silent" (to be named in Options::events).
  std::optional<OrderSilent> order_silent;

  unsigned attempt = 1;      // 1, 2, 3 …: which offer of this event to this handler it is
  std::uint32_t replay = 0;  // 0, or how often this event was replayed on request

  // Advice from the order's earlier events, of update_waybill_status only.
  bool stale = false;           // an earlier stored event of the same waybill is further on
  std::uint64_t repeat_of = 0;  // id of the first event that said the same in other bytes; 0 = none
};

// What an order_status means. Carriers skip states, and a terminal one may be followed by more.
struct OrderStatus {
  int code = 0;
  std::string_view english;  // "rider assigned"
  std::string_view chinese;
  bool terminal = false;   // officially final
  bool delivered = false;  // the one success
};

std::span<const OrderStatus> order_statuses();   // all that are known, in order of code
const OrderStatus* find_order_status(int code);  // null if unknown; never freed

}  // namespace wxpush
