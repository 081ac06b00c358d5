// The readers of numbers, sizes, durations and paths.
#include "config/section.h"
#include "config/values.h"

#include <charconv>

namespace wxpush::config {
namespace {

std::string range_text(const std::string& given, const std::string& least, const std::string& most,
                       std::string_view because) {
  std::string text = given + " is out of range; it must be from " + least + " to " + most;
  if (!because.empty()) text += " (" + std::string(because) + ")";
  return text;
}

// An integer of the file, or a variable's text that is one.
std::optional<std::int64_t> as_integer(const Section::Given& given) {
  if (given.node.kind == Node::Kind::integer) return given.node.integer;
  if (!given.is_variable) return std::nullopt;
  std::int64_t value = 0;
  const char* end = given.node.text.data() + given.node.text.size();
  const auto [stopped, error] = std::from_chars(given.node.text.data(), end, value);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

}  // namespace

void Section::flag(std::string_view key, bool& into) {
  const auto given = find(key);
  if (!given) return;
  if (given->node.kind == Node::Kind::boolean) {
    into = given->node.integer != 0;
  } else if (given->is_variable && (given->node.text == "true" || given->node.text == "false")) {
    into = given->node.text == "true";
  } else {
    wrong_kind(*given, "true or false");
  }
}

void Section::number(std::string_view key, std::uint32_t& into, Bounds<std::uint32_t> bounds) {
  const auto given = find(key);
  if (!given) return;
  const auto value = as_integer(*given);
  const std::string least = std::to_string(bounds.least);
  const std::string most = std::to_string(bounds.most);
  if (!value && given->is_variable) {
    loading_.problem(given->origin, quote_short(given->node.text) +
                                        " is no integer; it must be from " + least + " to " + most);
  } else if (!value) {
    wrong_kind(*given, "an integer from " + least + " to " + most);
  } else if (*value < bounds.least || *value > bounds.most) {
    loading_.problem(given->origin,
                     range_text(std::to_string(*value), least, most, bounds.because));
  } else {
    into = static_cast<std::uint32_t>(*value);
  }
}

void Section::bytes(std::string_view key, std::uint64_t& into, Bounds<std::uint64_t> bounds) {
  const auto given = find(key);
  if (!given) return;
  std::optional<std::uint64_t> value;
  std::string written = quote_short(given->node.text);
  if (given->node.kind == Node::Kind::integer && given->node.integer >= 0) {
    value = static_cast<std::uint64_t>(given->node.integer);
    written = std::to_string(*value);
  } else if (given->node.kind == Node::Kind::text) {
    value = parse_bytes(given->node.text);
  } else {
    return wrong_kind(*given, "a size such as \"16KiB\", or a number of bytes");
  }
  if (!value) {
    loading_.problem(given->origin,
                     written +
                         " is no size; write a whole number with B, KiB, MiB, GiB, TiB, KB, "
                         "MB, GB or TB, such as \"16KiB\"");
  } else if (*value < bounds.least || *value > bounds.most) {
    loading_.problem(given->origin, range_text(written, format_bytes(bounds.least),
                                               format_bytes(bounds.most), bounds.because));
  } else {
    into = *value;
  }
}

std::optional<Milliseconds> Section::bounded_duration(std::string_view key,
                                                      Bounds<Milliseconds> bounds) {
  const auto given = text(key, "a duration with a unit, such as \"5s\"");
  if (!given) return std::nullopt;
  const auto value = parse_duration(given->value);
  if (!value) {
    loading_.problem(given->origin,
                     quote_short(given->value) +
                         " is no duration; write numbers with the units d, h, m, s or ms, "
                         "such as \"5s\" or \"1m30s\"");
  } else if (*value < bounds.least || *value > bounds.most) {
    loading_.problem(given->origin,
                     range_text(quote_short(given->value), format_duration(bounds.least),
                                format_duration(bounds.most), bounds.because));
  } else {
    return value;
  }
  return std::nullopt;
}

void Section::duration(std::string_view key, Milliseconds& into, Bounds<Milliseconds> bounds) {
  if (const auto value = bounded_duration(key, bounds)) into = *value;
}

void Section::seconds(std::string_view key, Seconds& into, Bounds<Milliseconds> bounds) {
  const auto value = bounded_duration(key, bounds);
  if (!value) return;
  into = std::chrono::duration_cast<Seconds>(*value);
  if (into != *value)
    problem(key, "must be whole seconds, such as " + quote(format_duration(into)));
}

void Section::path(std::string_view key, std::filesystem::path& into) {
  const auto given = text(key, "a path in double quotes");
  if (!given) return;
  if (given->value.empty() || given->value.find('\0') != std::string::npos) {
    loading_.problem(given->origin, "is no path; write one such as \"tls/cert.pem\"");
  } else {
    into = resolve(*given);
  }
}

}  // namespace wxpush::config
