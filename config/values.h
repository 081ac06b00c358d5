#pragma once
// Texts to values and back, for what load.h does not already offer to the outside.

#include "config/settings.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::config {

// "75s", "7d", "3500ms": in the largest unit that divides it. parse_duration reads it back.
std::string format_duration(Milliseconds duration);
// "16KiB", "1GiB", "1500": in the largest binary unit that divides it. parse_bytes reads it back.
std::string format_bytes(std::uint64_t bytes);

// "0.0.0.0:8443", "[::]:8443", "unix:push.sock" (a relative path is taken from `base`; the result
// is absolute). Host names are none: which address they mean may change behind our back.
std::optional<ListenAddress> parse_listen(std::string_view text, const std::filesystem::path& base);

// As a TOML string, quotes included.
std::string quote(std::string_view text);
// The same for a message: cut after 80 bytes.
std::string quote_short(std::string_view text);

bool is_one_of(
    char c,
    std::string_view classes);  // classes: 'a' lower case, 'A' upper case, '0' digit; else itself
bool consists_of(std::string_view text, std::string_view classes);
bool is_name(std::string_view text);  // [a-z][a-z0-9-]{0,31}
std::string lower(std::string_view text);
std::string upper(std::string_view text);  // for names of variables: '-' becomes '_'

// The candidate that `text` was probably meant to be; empty if none comes near.
std::string nearest(std::string_view text, const std::vector<std::string>& candidates);

constexpr std::size_t longest_unix_path =
    107;  // sockaddr_un has 108 bytes, one of them for the end

}  // namespace wxpush::config
