// Characters, names and quoting.
#include "config/values.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace wxpush::config {
namespace {

// Exact up to `most`; beyond it only more than that.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most) {
  if (a.size() > b.size() + most || b.size() > a.size() + most) return most + 1;
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
    if (*std::min_element(row.begin(), row.end()) > most) return most + 1;  // it only grows
  }
  return row.back();
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += hex[byte >> 4U];
      out += hex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string quote_short(std::string_view text) {
  constexpr std::size_t longest = 80;
  return text.size() <= longest ? quote(text) : quote(text.substr(0, longest)) + "…";
}

bool is_one_of(char c, std::string_view classes) {
  return std::any_of(classes.begin(), classes.end(), [c](char wanted) {
    switch (wanted) {
      case 'a':
        return c >= 'a' && c <= 'z';
      case 'A':
        return c >= 'A' && c <= 'Z';
      case '0':
        return c >= '0' && c <= '9';
      default:
        return c == wanted;
    }
  });
}

bool consists_of(std::string_view text, std::string_view classes) {
  return std::all_of(text.begin(), text.end(), [classes](char c) { return is_one_of(c, classes); });
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && is_one_of(text[0], "a") && consists_of(text, "a0-");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (is_one_of(c, "A")) c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (is_one_of(c, "a")) c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  return out;
}

std::string nearest(std::string_view text, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t least = text.size() > 128 ? 0 : std::min<std::size_t>(3, (text.size() + 1) / 3);
  for (const auto& candidate : candidates) {
    const std::size_t distance = edit_distance(text, candidate, least);
    if (distance < least || (distance == least && best.empty() && least > 0)) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace wxpush::config
