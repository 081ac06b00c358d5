// What the status and the Retry-After of a back end's answer mean. The input: two bytes (the
// status), and what the header says.
#include "handlers/sink/http_outcome.h"
#include "tests/fuzz/target.h"

#include <optional>

using namespace wxpush;
using namespace wxpush::sink;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned status = (data[0] * 256U + data[1]) % 1000;
  const auto header = fuzz::text_of(data + 2, size - 2);
  constexpr WallTime now{std::chrono::seconds{1'800'000'000}};
  const Outcome outcome = http_outcome(status, header, {400, 503}, now);
  fuzz::require(outcome.has_value() != (status >= 200 && status < 300));
  if (!outcome) return 0;
  fuzz::require(!outcome->error.empty());
  fuzz::require(outcome->permanent == (status == 400 || status == 503));
  if (!outcome->permanent && (status < 400 || status >= 500))
    fuzz::require(outcome->blame == Blame::handler);
  // A date may be far away (retry_max bounds it); seconds are a year at most, and none is over.
  if (outcome->retry_after) fuzz::require(outcome->retry_after->count() >= 0);
  // The time does not depend on what the status says.
  const Outcome other = http_outcome(500, header, {}, now);
  fuzz::require(other.has_value() && other->retry_after == outcome->retry_after);
  return 0;
}
