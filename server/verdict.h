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
  forwarded,      // the route's service answered, whatever it said
  not_forwarded,  // it did not
  not_confirmed,  // stored, but the broker that the acknowledgement waits for does not have it
};

enum class Cause {
  none,
  no_signature,
  bad_signature,
  not_opened,
  foreign_appid,
  plaintext,
  expired,
  // Why a push was not forwarded:
  unreachable,
  no_answer,
  broken_off,
  answer_too_large,
  too_many
};

constexpr std::size_t verdict_count = 13;
constexpr std::size_t cause_count = 12;
// Causes from here on are no refusals: the push was proved.
constexpr Cause first_forward_cause = Cause::unreachable;

std::string_view to_string(
    Verdict verdict);  // the label of wxpush_pushes_total, and the log's word
// The label of wxpush_refused_total or wxpush_not_forwarded_total; empty for none.
std::string_view to_string(Cause cause);

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
