#pragma once
// `serve --supervise`: a small parent that holds the listening sockets while workers come and go
// (docs/architecture.md, "Restart"). One thread, no store, no keys, no TLS: nothing in it that
// could fail but what it decides (supervision.h).

#include "config/settings.h"

#include <chrono>
#include <iosfwd>
#include <string>
#include <vector>

namespace wxpush::server {

struct SupervisorSettings {
  std::vector<config::ListenAddress> listen;
  config::Logging log;
  std::chrono::milliseconds drain;
  std::vector<std::string> arguments;  // of a worker, behind the program's name
};

// Until SIGTERM or SIGINT. Sockets that were handed over to us take the place of `listen`. Answers
// the process's exit code: the last worker's. What keeps it from starting is told on `err`.
int supervise(const SupervisorSettings& settings, std::ostream& err);

}  // namespace wxpush::server
