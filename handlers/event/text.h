#pragma once
// Small helpers on byte strings, shared by the files of this folder.

#include <string>
#include <string_view>

namespace wxpush::event {

// ASCII letters only, whatever the locale: names of events and fields are ASCII.
std::string ascii_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);

// Without the white space and the UTF-8 byte order mark that may stand before the first byte.
std::string_view skip_leading(std::string_view text);

// White space of XML and JSON: space, tab, carriage return, line feed.
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
std::string_view skip_spaces(std::string_view text);
std::string_view trim(std::string_view text);  // on both sides

// Valid UTF-8 (RFC 3629: no overlong forms, no surrogates)?
bool is_utf8(std::string_view text);
// The text with U+FFFD in the place of every byte that belongs to no valid sequence.
std::string repair_utf8(std::string_view text);
// JSON text likewise, and with \ufffd in the place of every escape of half a surrogate pair. Only
// strings are changed, as long as the rest of the text is JSON.
std::string repair_json(std::string_view text);

}  // namespace wxpush::event
