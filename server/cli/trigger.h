#pragma once
// One push as WeChat sends it: 5 seconds, three tries, the same bytes each time.

#include "server/cli/pushing.h"

#include <iosfwd>
#include <string>

namespace wxpush::cli {

constexpr int push_tries = 3;

// Prints `--> EVENT [event_id]`, a `<-- [200] POST url (12 ms)` for every try, and what the reply
// says. True if it was acknowledged.
bool push_once(const Transport& transport, const crypto::PushCodec& codec, const PushTarget& target,
               const SealedPush& push, std::string_view message, std::ostream& out);

}  // namespace wxpush::cli
