#pragma once
// What a decrypted message says. Nothing here does I/O, and nothing fails: what cannot be read is
// opaque.

#include "handlers/event/event_id.h"
#include "handlers/event/waybill_status.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::event {

enum class ContentKind : std::uint8_t { json = 0, xml = 1, opaque = 2 };  // stored: never renumber

// The common part of every message, and what follows from it.
struct Message {
  ContentKind kind =
      ContentKind::opaque;  // json: an object that could be read; xml: starts with '<'
  std::string type;         // lower-case Event; a message that is no event: "message." + lower-case
                     // MsgType; InfoType of platform events likewise lower-case; empty if opaque
  std::string to_user_name;  // as sent; empty if absent
  std::string from_user_name;
  // Unix seconds within the years 1970 to 9999; a time outside (milliseconds, for one) counts as
  // absent.
  std::optional<std::int64_t> create_time;
  std::optional<std::int64_t> event_time;  // action_time of update_waybill_status, else create_time
  std::string order_key;  // appid and parts percent-encoded and joined by '/'; empty = unordered
  std::string
      business_key;  // update_waybill_status only (docs/protocol.md "Duplicates"); else empty
  std::optional<WaybillStatus>
      waybill_status;  // if type == "update_waybill_status" and it could be read
};

// `appid` is the app's own. Reads JSON (with or without a byte order mark); an XML message is
// ContentKind::xml with an empty type; anything else opaque.
Message read_message(std::string_view appid, std::string_view body);
// Without waybill_status and business_key, which nobody needs before the event is stored.
Message read_message_head(std::string_view appid, std::string_view body);

// Where `type` stands in the table of known events, which bounds the labels of metrics; known_types
// if it does not.
constexpr std::size_t known_types = 56;
std::size_t type_number(std::string_view type);
inline bool is_known_type(std::string_view type) {
  return type_number(type) < known_types;
}

// Whether `type` is selected by `pattern`: equal, or a prefix if the pattern ends in '*'. ASCII
// case does not count, as in the names of events.
bool matches_type(std::string_view pattern, std::string_view type);

// The message as compact JSON with personal data replaced, for people who look at stored events.
// "***" stands for every string and number under a member named, in any case: name, phone, mobile,
// tel, rider_name, rider_phone, action_msg or ActionMsg (free text of carriers, which names
// people), address…, and everything inside sender and receiver. All else stays as it was written:
// openid, FromUserName, good_name, ids of orders and waybills (people search by them). What is no
// JSON object comes back as "(N bytes, not shown)".
std::string mask_personal(std::string_view body);

}  // namespace wxpush::event
