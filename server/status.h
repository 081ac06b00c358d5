#pragma once
// What `wxpush status` shows, as JSON (docs/cli.md, "status"), and what makes intake not ready.

#include "config/settings.h"
#include "handlers/dispatch/dispatcher.h"
#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"
#include "server/apps.h"
#include "server/metrics.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::server {

struct StatusSources {
  const config::Settings& settings;
  const AppTable& apps;
  const Metrics& metrics;
  queue::Queue& queue;
  queue::Reader& reader;  // the admin thread's own
  const dispatch::Dispatcher& dispatcher;
  WallTime started_at;
  WallTime now;
  bool draining = false;
  std::size_t connections = 0;
  std::vector<std::string> listening;
  std::string admin;
  std::optional<WallTime> certificate_not_after;
};

// What waits for a handler. Nothing: a page that would have to be read for that is damaged.
struct Backlog {
  std::uint64_t pending = 0;
  std::optional<WallTime> oldest_at;
  std::uint64_t dead_letters = 0;
};
std::optional<Backlog> backlog_of(queue::Reader& reader, const queue::HandlerRecord& handler);

// Reasons why intake is not ready, about intake alone; empty = ready.
std::vector<std::string> not_ready(const queue::QueueStatus& status, bool draining);

std::string status_json(const StatusSources& sources);

}  // namespace wxpush::server
