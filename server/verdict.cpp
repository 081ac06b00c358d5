#include "server/verdict.h"

#include "crypto/primitives/condition.h"
#include "crypto/wechat/push_codec.h"

#include <array>

namespace wxpush::server {
namespace {

struct VerdictRow {
  Verdict verdict;
  std::string_view label;
  LogLevel level;
};
constexpr std::array<VerdictRow, verdict_count> verdicts{{
    {Verdict::accepted, "accepted", LogLevel::info},
    {Verdict::duplicate, "duplicate", LogLevel::info},
    {Verdict::handshake, "handshake", LogLevel::info},
    {Verdict::bad_request, "bad_request", LogLevel::info},
    {Verdict::forbidden, "forbidden", LogLevel::warning},
    {Verdict::quarantined, "quarantined", LogLevel::warning},
    {Verdict::too_large, "too_large", LogLevel::warning},
    {Verdict::timeout, "timeout", LogLevel::info},
    {Verdict::overloaded, "overloaded", LogLevel::warning},
    {Verdict::not_durable, "not_durable", LogLevel::error},
    {Verdict::forwarded, "forwarded", LogLevel::info},
    {Verdict::not_forwarded, "not_forwarded", LogLevel::warning},
    {Verdict::not_confirmed, "not_confirmed", LogLevel::warning},
}};

struct CauseRow {
  Cause cause;
  std::string_view label;
  std::string_view remedy;
};
constexpr std::array<CauseRow, cause_count> causes{{
    {Cause::none, "", ""},
    {Cause::no_signature, "no_signature",
     "the request carries no msg_signature: it does not come from WeChat's secure mode"},
    {Cause::bad_signature, "bad_signature",
     "signed with another token, or tampered with: compare the Token in WeChat's console with this "
     "app's keys"},
    {Cause::not_opened, "not_opened",
     "signed with our token, but no EncodingAESKey opens it: add the key that WeChat's console "
     "shows now"},
    {Cause::foreign_appid, "foreign_appid",
     "sealed for another appid: compare this app's appid, and which push URL belongs to which mini "
     "program"},
    {Cause::plaintext, "plaintext",
     "plaintext mode is on in WeChat's console: choose 安全模式 (secure mode) and JSON there"},
    {Cause::expired, "expired",
     "its timestamp is further away than server.max_push_age: check the clocks"},
    {Cause::unreachable, "unreachable",
     "no connection to the route's url: is the service up, and its certificate known here?"},
    {Cause::no_answer, "no_answer",
     "the route's service did not answer within server.request_deadline"},
    {Cause::broken_off, "broken_off",
     "the route's service closed the connection instead of answering"},
    {Cause::answer_too_large, "answer_too_large",
     "the route's service answered with more than 1 MiB"},
    {Cause::too_many, "too_many", "the route's service is too slow: see how it is"},
}};

}  // namespace

std::string_view to_string(Verdict verdict) {
  return verdicts[static_cast<std::size_t>(verdict)].label;
}
std::string_view to_string(Cause cause) {
  return causes[static_cast<std::size_t>(cause)].label;
}
LogLevel log_level(Verdict verdict) {
  return verdicts[static_cast<std::size_t>(verdict)].level;
}
std::string_view remedy(Cause cause) {
  return causes[static_cast<std::size_t>(cause)].remedy;
}

Response refusal() {
  Response response;
  response.status = 403;
  response.body = "forbidden\n";
  return response;
}

Response try_again() {
  Response response;
  response.status = 503;
  response.body = "not stored yet, try again\n";
  response.retry_after = "1";
  return response;
}

Verdict verdict_of(const boost::system::error_code& append_error) {
  return append_error == Condition::overload ? Verdict::overloaded : Verdict::not_durable;
}

Cause cause_of(const boost::system::error_code& codec_error) {
  if (codec_error == crypto::CodecError::not_opened) return Cause::not_opened;
  if (codec_error == crypto::CodecError::foreign_appid) return Cause::foreign_appid;
  return Cause::bad_signature;
}

}  // namespace wxpush::server
