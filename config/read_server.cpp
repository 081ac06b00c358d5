// [server], and what listens.
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void read_listen(Section& section, std::vector<ListenAddress>& into) {
  const auto list =
      section.list("listen", "an address such as \"0.0.0.0:8443\", or an array of them", 16);
  if (!list) return;
  std::vector<ListenAddress> addresses;
  for (const auto& item : list->items) {
    const auto address = read_address(section, item);
    if (!address) continue;
    const bool is_taken = std::any_of(addresses.begin(), addresses.end(),
                                      [&](const auto& other) { return overlap(*address, other); });
    if (is_taken) {
      section.loading().problem(
          item.origin,
          quote_short(item.value) + " is already listened on by another element; keep one");
    }
    addresses.push_back(*address);
  }
  if (list->items.empty()) section.problem("listen", "lists nothing; give at least one address");
  into = std::move(addresses);
}

void read_tls(Section& section, std::optional<TlsFiles>& into) {
  Switch tls = Switch::on;
  section.choice("tls", tls, switch_names);
  TlsFiles files;
  section.path("certificate", files.certificate);
  section.path("private_key", files.private_key);
  const bool has_certificate = section.find("certificate").has_value();
  const bool has_key = section.find("private_key").has_value();
  if (tls == Switch::off) {
    for (const std::string_view key : {"certificate", "private_key"}) {
      if (section.find(key))
        section.problem(key, "is of no use with tls = \"off\"; remove one of the two");
    }
    return;
  }
  if (!has_certificate && !has_key) {
    section.missing(
        "certificate",
        "give certificate and private_key, or set tls = \"off\" behind a reverse proxy");
  } else if (!has_certificate) {
    section.missing("certificate", "private_key needs it");
  } else if (!has_key) {
    section.missing("private_key", "certificate needs it");
  }
  into = std::move(files);
}

void read_trusted_proxies(Section& section, std::vector<Network>& into) {
  const auto list =
      section.list("trusted_proxies", "an array of networks such as \"10.0.0.0/8\"", 256);
  if (!list) return;
  for (const auto& item : list->items) {
    if (auto network = parse_network(item.value)) {
      into.push_back(std::move(*network));
    } else {
      section.loading().problem(item.origin,
                                quote_short(item.value) +
                                    " is no network; write one such as \"10.0.0.0/8\", "
                                    "\"192.168.1.7\" or \"fd00::/8\"");
    }
  }
}

void read_times(Section& section, Server& server) {
  section.duration("handshake_timeout", server.handshake_timeout, {milliseconds{100}, seconds{60}});
  section.duration("header_timeout", server.header_timeout, {milliseconds{100}, seconds{60}});
  section.duration("idle_timeout", server.idle_timeout, {seconds{1}, hours{1}});
  section.duration("request_deadline", server.request_deadline,
                   {milliseconds{100}, milliseconds{4900}, "WeChat hangs up after 5s"});
  section.duration("drain", server.drain, {milliseconds{0}, minutes{10}});
  section.seconds("max_push_age", server.max_push_age, {milliseconds{0}, hours{24 * 30}});
  if (server.max_push_age > Seconds{0} && server.max_push_age < minutes{1}) {
    section.problem(
        "max_push_age",
        "is below the usual error of clocks; it must be \"0s\" for no bound, or at least \"1m\"");
  }
}

}  // namespace

bool fits_unix_socket(Loading& loading, const Origin& origin, const std::filesystem::path& path,
                      std::string_view remedy) {
  const std::size_t size = path.native().size();
  if (size <= longest_unix_path) return true;
  loading.problem(origin, "the socket's path has " + std::to_string(size) +
                              " bytes, and a unix socket's may have at most " +
                              std::to_string(longest_unix_path) + "; " + std::string(remedy));
  return false;
}

std::optional<ListenAddress> read_address(Section& section, const Section::Text& given) {
  auto address = parse_listen(given.value, given.origin.base);
  if (!address) {
    section.loading().problem(
        given.origin,
        quote_short(given.value) +
            " is no address to listen on; write a numeric one such as \"0.0.0.0:8443\", "
            "\"[::]:8443\" or \"unix:/run/wxpush/push.sock\"");
    return std::nullopt;
  }
  if (const auto* local = std::get_if<UnixAddress>(&*address)) {
    if (!fits_unix_socket(section.loading(), given.origin, local->path, "choose a shorter one")) {
      return std::nullopt;
    }
  }
  return address;
}

bool overlap(const ListenAddress& a, const ListenAddress& b) {
  if (a.index() != b.index()) return false;
  if (const auto* local = std::get_if<UnixAddress>(&a)) return *local == std::get<UnixAddress>(b);
  const auto& one = std::get<TcpAddress>(a);
  const auto& other = std::get<TcpAddress>(b);
  if (one.port != other.port || one.port == 0) return false;
  if (one.host == other.host) return true;
  const bool both_ipv6 =
      one.host.find(':') != std::string::npos && other.host.find(':') != std::string::npos;
  const bool both_ipv4 =
      one.host.find(':') == std::string::npos && other.host.find(':') == std::string::npos;
  const auto either_is = [&](const char* host) { return one.host == host || other.host == host; };
  return (both_ipv4 && either_is("0.0.0.0")) || (both_ipv6 && either_is("::"));
}

void read_server(Section section, Server& server) {
  read_listen(section, server.listen);
  section.number("threads", server.threads, {0, 256});
  read_tls(section, server.tls);
  read_trusted_proxies(section, server.trusted_proxies);
  section.number("max_connections", server.max_connections, {1, 1'000'000});
  section.number("max_connections_per_address", server.max_connections_per_address, {1, 1'000'000});
  read_times(section, server);
  section.bytes("max_header", server.max_header, {1024, 1ULL << 20});
  section.bytes("max_body", server.max_body, {1024, 64ULL << 20});
  section.bytes("max_bodies", server.max_bodies, {1ULL << 20, 16ULL << 30});
  if (server.max_bodies < server.max_body)
    section.problem("max_bodies", "is smaller than max_body (" + format_bytes(server.max_body) +
                                      "), so that a large push would never be read; raise it");
  section.finish();
}

}  // namespace wxpush::config
