#pragma once
// The outer body of a push, and the reply to it.

#include "handlers/event/message.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::event {

enum class Format { json, xml };  // of the envelope; the reply follows it

struct Envelope {
  Format format = Format::json;
  std::string
      encrypt;  // unescaped base64 text, exactly what msg_signature covers; empty = plaintext mode
};

// Decided by the first byte that is not white space (a byte order mark is skipped), never by
// Content-Type. nullopt: neither a JSON object nor XML. A well-formed body without Encrypt has an
// empty `encrypt`. Of XML only the Encrypt element's text (CDATA or plain) is looked for: no
// entities, no DTD, no nesting. In JSON an Encrypt member that is there twice, or is no string,
// makes the body unreadable.
std::optional<Envelope> read_envelope(std::string_view body);

// As WeChat writes it; for tools and tests.
std::string write_envelope(Format format, std::string_view to_user_name, std::string_view encrypt);

// The reply object that WeChat documents for this message (update_waybill_status: seven fields,
// resultcode 0, resultmsg "OK"), or nullopt: then the plain text "success" answers it.
// ToUserName and FromUserName are those of the request, exchanged. `now` in Unix seconds.
std::optional<std::string> reply_object(const Message& message, std::int64_t now);

// The encrypted reply. JSON: TimeStamp is a number, Nonce a string. `encrypt` is base64, `nonce`
// digits or letters: neither is escaped.
std::string write_sealed_reply(Format format, std::string_view encrypt,
                               std::string_view msg_signature, std::int64_t timestamp,
                               std::string_view nonce);

struct SealedReply {
  std::string encrypt, msg_signature, timestamp, nonce;
};
std::optional<SealedReply> read_sealed_reply(std::string_view body);  // JSON; for tools and tests

}  // namespace wxpush::event
