#pragma once
// The admin listener's and the admin socket's answers: health, metrics, and (on the socket alone)
// what shows or changes state.

#include "handlers/dispatch/requests.h"
#include "server/endpoint.h"

#include <functional>
#include <string>
#include <vector>

namespace wxpush::server {

// What the endpoint asks the service. Readiness is asked on the admin thread and answers at once,
// so that a probe never waits for a disk; the rest may read the store, on the worker thread.
struct AdminSources {
  std::function<std::vector<std::string>()> not_ready;  // reasons; empty = ready for intake
  std::function<std::string()> metrics;                 // text exposition
  std::function<std::string()> status;                  // JSON
  std::function<std::string()> retry_quarantine;        // JSON
  // JSON: how many events it was done for, and how many not; or an error. Row ids, separated by
  // commas.
  std::function<std::string(dispatch::Ask, const std::string& handler, const std::string& ids)> ask;
  // JSON, likewise; `undelivered`: also what a handler waits for.
  std::function<std::string(const std::string& ids, bool undelivered)> erase;
  std::function<std::string(const std::string& handler)> forget;  // JSON
  std::function<std::string()> reload;                            // JSON
};

class AdminEndpoint final : public Endpoint {
 public:
  // `full`: also /api/v1 (the socket, whose file permissions protect it).
  AdminEndpoint(AdminSources sources, bool full) : sources_(std::move(sources)), full_(full) {}
  Action accept(const Request& request, WallTime now) override;

 private:
  std::function<std::string()> posted(const Request& request) const;

  AdminSources sources_;
  bool full_;
};

}  // namespace wxpush::server
