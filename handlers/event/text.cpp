#include "handlers/event/text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wxpush::event {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The length of the valid UTF-8 sequence that `text` (not empty) starts with; 0 if there is none.
// The ranges of the second byte are those of RFC 3629, section 4.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// The length of the words of eight bytes in front that are ASCII alone, which nearly all is.
std::size_t ascii_words(std::string_view text) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  std::size_t length = 0;
  for (std::uint64_t word = 0; text.size() - length >= sizeof word; length += sizeof word) {
    std::memcpy(&word, text.data() + length, sizeof word);
    if ((word & high_bits) != 0) break;
  }
  return length;
}

// The surrogate that an escape (\uXXXX) in front of `text` stands for; 0 if there is none.
unsigned surrogate(std::string_view text) {
  unsigned value = 0;
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 6, value, 16);
  const bool read = error == std::errc() && end == text.data() + 6;
  return read && value >= 0xD800 && value <= 0xDFFF ? value : 0;
}

}  // namespace

std::string ascii_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view skip_spaces(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view skip_leading(std::string_view text) {
  text = skip_spaces(text);
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  return skip_spaces(text);
}

std::string_view trim(std::string_view text) {
  text = skip_spaces(text);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_utf8(std::string_view text) {
  for (;;) {
    text.remove_prefix(ascii_words(text));
    if (text.empty()) return true;
    const std::size_t length = sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
}

std::string repair_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    result.append(length == 0 ? kReplacement : text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

std::string repair_json(std::string_view text) {
  std::string result = repair_utf8(text);
  constexpr std::string_view replacement = "\\ufffd";
  for (auto i = result.find('\\'); i != std::string::npos; i = result.find('\\', i)) {
    const auto rest = std::string_view(result).substr(i);
    const unsigned half = surrogate(rest);
    if (half == 0) {
      i += 2;  // another escape
    } else if (half < 0xDC00 && rest.size() > 6 && surrogate(rest.substr(6)) >= 0xDC00) {
      i += 12;  // a whole pair
    } else {
      result.replace(i, replacement.size(), replacement);
      i += replacement.size();
    }
  }
  return result;
}

}  // namespace wxpush::event
