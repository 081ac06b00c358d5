#pragma once
// Asking the running server through its admin socket.

#include "config/settings.h"
#include "server/cli/http_client.h"

#include <chrono>
#include <optional>
#include <string>

namespace wxpush::cli {

// For the status: of a backlog it counts up to a million events, for each handler, which on a busy
// machine takes seconds.
constexpr std::chrono::seconds status_timeout{60};

// nullopt: no server listens there. CommandError 77 if the socket is another user's, 69 if the
// server does not answer in time or breaks off.
std::optional<HttpAnswer> ask_server(const config::Settings& settings, const std::string& method,
                                     const std::string& path, std::chrono::milliseconds timeout);

}  // namespace wxpush::cli
