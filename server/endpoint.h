#pragma once
// What a session asks for every request: a decision, as a value. Endpoints do no I/O, so every
// protocol decision is tested without a socket; the session performs what they decide.

#include "handlers/base/clock.h"
#include "handlers/queue/event_record.h"
#include "server/apps.h"
#include "server/forward.h"
#include "server/http.h"
#include "server/verdict.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace wxpush::server {

// What is known about a push beside its answer: for the log and the metrics.
struct PushReport {
  Verdict verdict = Verdict::bad_request;
  Cause cause = Cause::none;
  std::shared_ptr<const App> app;  // null: none
  std::size_t key = 0;             // of the app's, if it was proved
  std::optional<event::EventId> event_id;
  std::string type, order_key;
  std::optional<std::int64_t> age_seconds;  // now - timestamp, if that is a number
  unsigned status = 0;                      // of the answer to a forwarded push
  std::string error;                        // why there is none; for the log alone
};

// Reply at once; or append and reply when it is durable, perhaps with a broker, too; or forward,
// after the append if there is one, and reply as the answer says; or do what takes long (it reads
// the store) and reply with its result, without the others.
struct Action {
  Response reply;  // for an append: the answer once it is durable
  std::optional<queue::NewEvent> append;
  std::string confirmed_by;  // the handler that must have what was appended; empty: none
  std::optional<Forward> forward;
  std::optional<queue::QuarantinedPush> quarantine;
  std::function<std::string()> work;  // makes the reply's body, on the host's worker thread
  std::optional<PushReport> report;   // absent: not a push (admin)
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual Action accept(const Request& request, WallTime now) = 0;
};

}  // namespace wxpush::server
