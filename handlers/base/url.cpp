#include "handlers/base/url.h"

#include <algorithm>
#include <charconv>

namespace wxpush {
namespace {

bool is_plain(char c) {
  return c > 0x20 && c < 0x7F;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::optional<int> hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// As it stands in front of a port: the colons of an IPv6 address would be taken for the port's.
std::string in_brackets(std::string_view host) {
  const bool is_ipv6 = host.find(':') != std::string_view::npos;
  return is_ipv6 ? '[' + std::string(host) + ']' : std::string(host);
}

bool read_authority(std::string_view text, Url& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    url.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && !take_prefix(text, ":")) return false;
    port = text;
  } else {
    const std::size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  if (url.host.empty() || url.host.find('@') != std::string::npos) return false;
  if (port.empty()) return true;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  return error == std::errc() && end == port.data() + port.size();
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_plain)) return std::nullopt;
  Url url;
  if (take_prefix(text, "unix:")) {
    url.scheme = Scheme::unix_socket;
    url.port = 0;
    const std::size_t path = text.find(":/");
    url.socket = text.substr(0, path);
    if (path != std::string_view::npos) {
      text.remove_prefix(path + 1);
      const std::size_t question = text.find('?');
      url.path = text.substr(0, question);
      if (question != std::string_view::npos) url.query = text.substr(question + 1);
    }
    return url.socket.empty() ? std::nullopt : std::optional(url);
  }
  if (take_prefix(text, "http://")) {
    url.scheme = Scheme::http;
    url.port = 80;
  } else if (!take_prefix(text, "https://")) {
    return std::nullopt;
  }
  text = text.substr(0, text.find('#'));
  const std::size_t question = text.find('?');
  if (question != std::string_view::npos) url.query = text.substr(question + 1);
  text = text.substr(0, question);
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) url.path = text.substr(slash);
  if (!read_authority(text.substr(0, slash), url)) return std::nullopt;
  return url;
}

std::string host_and_port(std::string_view host, std::uint16_t port) {
  return in_brackets(host) + ':' + std::to_string(port);
}

std::string authority(const Url& url) {
  const bool is_usual = url.port == (url.scheme == Scheme::https ? 443 : 80);
  return is_usual ? in_brackets(url.host) : host_and_port(url.host, url.port);
}

std::string to_string(const Url& url) {
  if (url.scheme == Scheme::unix_socket)
    return "unix:" + url.socket + (url.path.empty() ? "" : ":" + url.path);
  return (url.scheme == Scheme::https ? "https://" : "http://") + authority(url) + url.path;
}

std::map<std::string, std::string> parse_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    values.emplace(percent_decode(pair.substr(0, equals)), percent_decode(value));
  }
  return values;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(c)) {
      encoded += c;
    } else {
      encoded += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return encoded;
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hex_value(text[i + 1]);
      const auto low = hex_value(text[i + 2]);
      if (high && low) {
        decoded += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    decoded += text[i];
  }
  return decoded;
}

}  // namespace wxpush
