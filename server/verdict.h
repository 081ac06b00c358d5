#pragma once
// What becomes of a push, told in one table: HTTP status, log level, metric label. The cause of a
// refusal is told here, to the operator, and never to the peer.

#include "handlers/base/log.h"
#include "server/http.h"

#include <boost/system/error_code.hpp>

#include <string_view>

namespace wxpush::server {

enum class Verdict {
  accepted,
  duplicate,
  handshake,
  bad_request,
  forbidden,
  quarantined,
  too_large,
  timeout,
  overloaded,
  not_durable,
};

enum class Cause {
  none,
  no_signature,
  bad_signature,
  not_opened,
  foreign_appid,
  plaintext,
  expired
};

constexpr std::size_t verdict_count = 10;
constexpr std::size_t cause_count = 7;

std::string_view to_string(
    Verdict verdict);                     // the label of wxpush_pushes_total, and the log's word
std::string_view to_string(Cause cause);  // the label of wxpush_refused_total; empty for none

LogLevel log_level(Verdict verdict);

// The one answer to everything that is not proved, whatever the cause.
Response refusal();
// "Not known to be durable": WeChat shall try again.
Response try_again();

// What an append's error means for the push.
Verdict verdict_of(const boost::system::error_code& append_error);
// What the codec's error means.
Cause cause_of(const boost::system::error_code& codec_error);
// What the operator may do about it; empty where there is nothing to say.
std::string_view remedy(Cause cause);

}  // namespace wxpush::server
