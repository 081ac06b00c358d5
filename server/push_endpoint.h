#pragma once
// The way of one push, without I/O: verify ▸ decrypt ▸ read event ▸ event_id ▸ what to store and
// what to answer.

#include "crypto/primitives/random.h"
#include "server/apps.h"
#include "server/endpoint.h"
#include "server/shared_value.h"

#include <chrono>
#include <memory>

namespace wxpush::server {

class PushEndpoint final : public Endpoint {
 public:
  // `random` outlives it. `max_push_age` 0 = no bound. Thread-safe.
  PushEndpoint(std::shared_ptr<const AppTable> apps, crypto::Random& random,
               std::chrono::seconds max_push_age);

  Action accept(const Request& request, WallTime now) override;
  // Requests from now on are for these; those being answered are for the ones before.
  void replace(std::shared_ptr<const AppTable> apps);
  std::shared_ptr<const AppTable> apps() const { return apps_.get(); }

 private:
  Action handshake(const App& app, const Request& request, PushReport report) const;
  Action push(const App& app, const Request& request, WallTime now, PushReport report) const;

  SharedValue<const AppTable> apps_;
  crypto::Random& random_;
  std::chrono::seconds max_push_age_;
};

// The rest of the way once a message is open, shared with the quarantine: the event as it is
// stored.
queue::NewEvent make_event(const App& app, event::Message message, std::string body, WallTime now);

}  // namespace wxpush::server
