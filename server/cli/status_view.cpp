#include "server/cli/status_view.h"

#include "handlers/event/json.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/time_text.h"

#include <fmt/format.h>

#include <ostream>

namespace wxpush::cli {
namespace {

using event::JsonValue;
using Facts = std::vector<std::pair<std::string, std::string>>;

std::string text_of(const JsonValue& value) {
  if (const auto truth = value.boolean()) return *truth ? "yes" : "no";
  return std::string(value.text().value_or("-"));
}

// A time as it is, and how long ago that was.
std::string when(const JsonValue& value, WallTime now) {
  const auto text = value.string();
  const auto time = text ? parse_time(*text, now) : std::nullopt;
  return time ? to_text(*time) + " (" + relative(*time, now) + ')' : text_of(value);
}

std::string short_when(const JsonValue& value, WallTime now) {
  const auto text = value.string();
  const auto time = text ? parse_time(*text, now) : std::nullopt;
  return time ? relative(*time, now) : text_of(value);
}

std::string bytes_of(const JsonValue& value) {
  const auto bytes = value.number();
  if (!bytes) return "-";
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double size = *bytes;
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(units); ++unit) size /= 1024;
  return fmt::format("{:.{}f} {}", size, unit == 0 ? 0 : 1, units[unit]);
}

void print_process(std::ostream& out, const JsonValue& root, WallTime now) {
  Facts facts{{"version", text_of(root["version"]) + ", process " + text_of(root["pid"])},
              {"started", when(root["started_at"], now)},
              {"ready", text_of(root["ready"])}};
  for (const JsonValue& reason : root["not_ready"].elements()) {
    facts.emplace_back("not ready", text_of(reason));
  }
  if (root["draining"].boolean().value_or(false)) facts.emplace_back("draining", "yes");
  facts.emplace_back("connections", text_of(root["connections"]));
  facts.emplace_back("certificate", "until " + when(root["certificate_not_after"], now));
  for (const JsonValue& warning : root["warnings"].elements()) {
    facts.emplace_back("WARNING", text_of(warning));
  }
  print_facts(out, facts);
}

void print_store(std::ostream& out, const JsonValue& store, WallTime now) {
  const bool restored = store["restored_at"].string().has_value();
  Facts facts{
      {"store", text_of(store["path"])},
      {"  incarnation", text_of(store["incarnation"]) +
                            (restored ? ", restored " + when(store["restored_at"], now) : "")},
      {"  newest id", text_of(store["last_id"])},
      {"  being stored", text_of(store["waiting"])},
      {"  space", text_of(store["space"]) + ": store " + bytes_of(store["store_bytes"]) + ", log " +
                      bytes_of(store["wal_bytes"]) + ", free " + bytes_of(store["free_bytes"])},
      {"  quarantined", text_of(store["quarantined"])}};
  if (store["encryption_key"].string()) {
    const bool resealing = store["resealing"].boolean().value_or(false);
    facts.emplace_back("  encryption", "key " + text_of(store["encryption_key"]) +
                                           (resealing ? "; older bodies are being sealed with it"
                                                      : "; all bodies are sealed with it"));
  }
  if (store["failure"].string()) facts.emplace_back("  FAILED", text_of(store["failure"]));
  if (store["checkpoint_pinned"].boolean().value_or(false)) {
    facts.emplace_back("  WARNING", "a reader keeps the store's log from shrinking");
  }
  out << '\n';
  print_facts(out, facts);
}

void print_apps(std::ostream& out, const JsonValue& apps, WallTime now) {
  Table table(
      out, {"APP", "APPID", "ACCEPTED", "DUPLICATE", "FORBIDDEN", "QUARANTINED", "LAST ACCEPTED"});
  for (const JsonValue& app : apps.elements()) {
    table.add({text_of(app["name"]), text_of(app["appid"]), text_of(app["accepted"]),
               text_of(app["duplicate"]), text_of(app["forbidden"]), text_of(app["quarantined"]),
               short_when(app["last_accepted_at"], now)});
  }
  out << '\n';
  table.flush();
}

void print_handlers(std::ostream& out, const JsonValue& handlers, WallTime now) {
  Table table(out, {"HANDLER", "TYPE", "PENDING", "OLDEST PENDING", "DELIVERED", "FAILURES", "DEAD",
                    "BREAKER", "LAST ERROR"});
  for (const JsonValue& handler : handlers.elements()) {
    table.add({text_of(handler["name"]), text_of(handler["type"]), text_of(handler["pending"]),
               short_when(handler["oldest_pending_at"], now), text_of(handler["delivered"]),
               text_of(handler["failures"]), text_of(handler["dead_letters"]),
               text_of(handler["breaker"]), text_of(handler["last_error"])});
  }
  out << '\n';
  table.flush();
}

}  // namespace

bool print_status(std::ostream& out, std::string_view json, WallTime now) {
  const auto document = event::JsonDocument::parse(json);
  if (!document || !document->root().is_object()) {
    throw CommandError(exit_unavailable, "the server's answer is no status");
  }
  const JsonValue root = document->root();
  print_process(out, root, now);
  print_store(out, root["store"], now);
  print_apps(out, root["apps"], now);
  print_handlers(out, root["handlers"], now);
  return root["ready"].boolean().value_or(false);
}

}  // namespace wxpush::cli
