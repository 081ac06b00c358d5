// Where a broker is: `hosts` of a [[handler]].
#include "config/sections.h"
#include "config/values.h"

#include <charconv>

namespace wxpush::config {
namespace {

constexpr std::string_view local = "unix:";

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 && consists_of(host, "aA0.-_");
}
bool is_ipv6(std::string_view host) {
  return host.find(':') != std::string_view::npos && consists_of(host, "aA0.:");
}

// Nothing: it is no port.
std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc() || stopped != end || port == 0) return std::nullopt;
  return port;
}

// "host", "host:5672", "[::1]" or "[::1]:5672".
std::optional<BrokerHost> parse_host(std::string_view text, std::uint16_t usual_port) {
  const bool in_brackets = text.starts_with('[');
  const auto end = in_brackets ? text.find(']') : text.find(':');
  if (in_brackets && end == std::string_view::npos) return std::nullopt;
  const auto host = in_brackets ? text.substr(1, end - 1) : text.substr(0, end);
  if (!(in_brackets ? is_ipv6(host) : is_host(host))) return std::nullopt;
  const auto rest = end == std::string_view::npos ? "" : text.substr(in_brackets ? end + 1 : end);
  if (rest.empty()) return BrokerHost{std::string(host), usual_port};
  const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port) return std::nullopt;
  return BrokerHost{std::string(host), *port};
}

// "unix:/run/redis/redis.sock"
void read_socket(Section& section, const Section::Text& item, Broker& into) {
  const Section::Text path{item.origin, item.value.substr(local.size()), item.is_variable};
  if (path.value.empty() || path.value.find('\0') != std::string::npos) {
    section.loading().problem(item.origin,
                              "names no socket; write its path, \"unix:/run/redis/redis.sock\"");
    return;
  }
  const auto socket = resolve(path);
  if (fits_unix_socket(section.loading(), item.origin, socket, "choose a shorter one"))
    into.hosts.push_back({socket.string(), 0});
}

}  // namespace

void read_broker_hosts(Section& section, const BrokerPlaces& places, Broker& into) {
  const auto port = into.tls ? places.tls_port : places.port;
  const auto example = "\"127.0.0.1:" + std::to_string(port) + '"';
  const auto list = section.list("hosts", "an array of hosts such as " + example, places.most);
  if (!section.find("hosts"))
    section.missing("hosts", "say where the broker is, such as [" + example + "]");
  if (!list) return;
  if (list->items.empty()) section.problem("hosts", "lists nothing; say where the broker is");
  std::string remedy = " is no host; write a name or an address, such as " + example;
  remedy += " or \"[::1]:" + std::to_string(port) + '"';
  if (places.sockets_too) remedy += ", or a socket, \"unix:/run/redis/redis.sock\"";
  for (const auto& item : list->items) {
    if (places.sockets_too && item.value.starts_with(local)) {
      read_socket(section, item, into);
    } else if (auto host = parse_host(item.value, port)) {
      into.hosts.push_back(std::move(*host));
    } else {
      section.loading().problem(item.origin, quote_short(item.value) + remedy);
    }
  }
}

}  // namespace wxpush::config
