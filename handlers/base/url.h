#pragma once
// The URLs that settings and commands take: https://host[:port]/path?query, http://…, and
// unix:/path/to/socket, with :/path behind it where a path is needed.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush {

enum class Scheme { https, http, unix_socket };

struct Url {
  Scheme scheme = Scheme::https;
  std::string host;          // a name, or an address without brackets; empty for unix
  std::uint16_t port = 443;  // the scheme's own if it was not given
  std::string socket;        // of unix: where it lies
  std::string path;          // as written, with its leading '/'; empty if there was none
  std::string query;         // as written, without '?'
};

// nullopt if it is none of the three, or holds user names, white space or control characters. A
// fragment is dropped.
std::optional<Url> parse_url(std::string_view text);

// The URL without its query: a query carries signatures, which are nobody's business in a terminal.
std::string to_string(const Url& url);
// "host:port", brackets around an IPv6 address.
std::string host_and_port(std::string_view host, std::uint16_t port);
// "host" or "host:port", brackets around an IPv6 address: the Host header.
std::string authority(const Url& url);

// Percent-decoded names and values; of a name that is there twice the first counts. '+' stays: the
// base64 and hex values of WeChat's queries are no form data.
std::map<std::string, std::string> parse_query(std::string_view query);
// Everything but RFC 3986's unreserved characters as %XX.
std::string percent_encode(std::string_view text);
std::string percent_decode(std::string_view text);  // what is no %XX stays as it is

}  // namespace wxpush
