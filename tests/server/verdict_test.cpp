#include "server/verdict.h"

#include "crypto/wechat/push_codec.h"
#include "handlers/queue/queue.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace wxpush::server;
using wxpush::crypto::CodecError;
using wxpush::queue::QueueError;

TEST_CASE("each verdict has its own label, in the table's own place") {
  std::set<std::string_view> labels;
  for (std::size_t i = 0; i < verdict_count; ++i) labels.insert(to_string(static_cast<Verdict>(i)));
  CHECK(labels.size() == verdict_count);
  CHECK(to_string(Verdict::accepted) == "accepted");
  CHECK(to_string(Verdict::not_durable) == "not_durable");
  CHECK(to_string(Verdict::quarantined) == "quarantined");
}

TEST_CASE("every cause of a refusal has a label and a remedy; no cause has neither") {
  for (std::size_t i = 1; i < cause_count; ++i) {
    CHECK_FALSE(to_string(static_cast<Cause>(i)).empty());
    CHECK_FALSE(remedy(static_cast<Cause>(i)).empty());
  }
  CHECK(to_string(Cause::none).empty());
  CHECK(to_string(Cause::expired) == "expired");
}

TEST_CASE("the codec's errors are causes") {
  CHECK(cause_of(CodecError::bad_signature) == Cause::bad_signature);
  CHECK(cause_of(CodecError::not_opened) == Cause::not_opened);
  CHECK(cause_of(CodecError::foreign_appid) == Cause::foreign_appid);
}

TEST_CASE("the queue's errors are verdicts that WeChat shall try again") {
  CHECK(verdict_of(QueueError::overloaded) == Verdict::overloaded);
  CHECK(verdict_of(QueueError::store_failed) == Verdict::not_durable);
  CHECK(verdict_of(QueueError::stopped) == Verdict::not_durable);
  CHECK(try_again().status == 503);
  CHECK(try_again().retry_after == "1");
}
