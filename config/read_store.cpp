// [admin], [store] and [log].
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr hours ten_years{24 * 3650};
constexpr std::uint64_t pebibyte = 1ULL << 50;

std::optional<int> parse_percent(std::string_view text) {
  if (text.size() < 2 || text.size() > 4 || text.back() != '%') return std::nullopt;
  text.remove_suffix(1);
  if (!consists_of(text, "0")) return std::nullopt;
  return std::stoi(std::string(text));
}

void read_max_size(Section& section, SizeLimit& into) {
  const auto given = section.find("max_size");
  if (!given) return;
  const auto percent = parse_percent(given->node.text);
  if (given->node.kind != Node::Kind::text || !percent) {
    SizeLimit limit;
    section.bytes("max_size", limit.bytes,
                  {1ULL << 20, pebibyte, "or a share of the file system such as \"80%\""});
    if (limit.bytes != 0) into = limit;
  } else if (*percent < 1 || *percent > 100) {
    section.problem("max_size",
                    quote(given->node.text) +
                        " is out of range; a share of the file system must be from 1% to 100%");
  } else {
    into = {0, *percent};
  }
}

void check_retention(Section& section, const Store& store) {
  if (store.min_retention <= store.retention) return;
  const bool is_default = !section.find("min_retention").has_value();
  section.problem(is_default ? "retention" : "min_retention",
                  "retention is " + format_duration(store.retention) + " and min_retention " +
                      format_duration(store.min_retention) + (is_default ? " (its default)" : "") +
                      "; min_retention must not be longer than retention");
}

void check_admin_socket(Section& section, const Admin& admin, const Store& store) {
  if (!admin.socket.empty()) return;
  Origin origin = section.origin("path");
  fits_unix_socket(section.loading(), origin, store.path / "admin.sock",
                   "set admin.socket to a shorter one than the default, admin.sock in the store");
}

}  // namespace

void read_admin(Section section, const Server& server, Admin& admin) {
  if (const auto listen =
          section.text("listen", "an address such as \"127.0.0.1:9090\", or \"off\"")) {
    if (listen->value == "off") {
      admin.listen.reset();
    } else if (const auto address = read_address(section, *listen)) {
      admin.listen = address;
    }
  }
  const auto is_taken = [&](const ListenAddress& address) {
    return std::any_of(server.listen.begin(), server.listen.end(),
                       [&](const auto& other) { return overlap(address, other); });
  };
  if (admin.listen && is_taken(*admin.listen)) {
    section.problem(
        "listen", quote(to_string(*admin.listen)) +
                      " is taken by server.listen; the admin listener needs an address of its own");
  }
  const auto socket = section.find("socket");
  if (socket && !(socket->node.kind == Node::Kind::text && socket->node.text.empty())) {
    section.path("socket", admin.socket);
    fits_unix_socket(section.loading(), socket->origin, admin.socket, "choose a shorter one");
    const UnixAddress address{admin.socket};
    if (is_taken(address) || admin.listen == ListenAddress(address)) {
      section.problem("socket",
                      "is also listened on by server.listen or admin.listen; the admin socket "
                      "needs a path of its own");
    }
  }
  section.finish();
}

void read_store(Section section, const Server& server, const Admin& admin, Store& store) {
  section.path("path", store.path);
  section.seconds("retention", store.retention, {hours{1}, ten_years});
  section.seconds("min_retention", store.min_retention, {minutes{1}, ten_years});
  check_retention(section, store);
  read_max_size(section, store.max_size);
  section.bytes("min_free", store.min_free, {0, pebibyte});
  section.number("append_queue", store.append_queue, {1, 1'000'000});
  section.bytes("append_queue_bytes", store.append_queue_bytes, {1ULL << 20, 16ULL << 30});
  if (store.append_queue_bytes < server.max_body) {
    section.problem("append_queue_bytes",
                    "is smaller than server.max_body (" + format_bytes(server.max_body) +
                        "), so that a large push would never fit; it must be at least "
                        "that");
  }
  read_body_keys(section, store);
  check_admin_socket(section, admin, store);
  section.finish();
}

void read_log(Section section, Logging& log) {
  section.choice("level", log.level, level_names);
  section.choice("format", log.format, format_names);
  section.finish();
}

}  // namespace wxpush::config
