#include "config/values.h"

#include "config/load.h"

#include <array>
#include <charconv>
#include <limits>

namespace wxpush::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

constexpr std::array<Unit, 4> binary_units{
    {{"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}}};

constexpr std::array<Unit, 6> other_byte_units{{{"TB", 1'000'000'000'000},
                                                {"GB", 1'000'000'000},
                                                {"MB", 1'000'000},
                                                {"KB", 1000},
                                                {"kB", 1000},
                                                {"B", 1}}};

template <std::size_t n>
const Unit* find_unit(const std::array<Unit, n>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  std::size_t n = 0;
  while (n < text.size() && wanted(text[n])) ++n;
  const auto taken = text.substr(0, n);
  text.remove_prefix(n);
  return taken;
}

bool is_digit(char c) {
  return is_one_of(c, "0");
}
bool is_letter(char c) {
  return is_one_of(c, "aA");
}

std::optional<std::uint64_t> whole(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// `3.5` times unit; nothing if the result is not whole or above a hundred million years' worth, far
// below any overflow of what is added up from it.
std::optional<std::uint64_t> scaled(std::string_view integral, std::string_view fraction,
                                    std::uint64_t unit) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max() / 8;
  if (fraction.size() > 8) return std::nullopt;
  const auto value = whole(integral);
  if (!value || *value > most / unit) return std::nullopt;
  std::uint64_t result = *value * unit;
  if (fraction.empty()) return result;
  std::uint64_t power = 1;
  for (std::size_t i = 0; i < fraction.size(); ++i) power *= 10;
  const std::uint64_t part = *whole(fraction) * unit;
  if (part % power != 0) return std::nullopt;
  return result + part / power;
}

}  // namespace

std::optional<Milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t sum = 0;
  std::uint64_t previous_unit = std::numeric_limits<std::uint64_t>::max();
  while (!text.empty()) {
    const auto integral = take_while(text, is_digit);
    std::string_view fraction;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      fraction = take_while(text, is_digit);
      if (fraction.empty()) return std::nullopt;
    }
    const Unit* unit = find_unit(duration_units, take_while(text, is_letter));
    if (unit == nullptr || unit->size >= previous_unit) return std::nullopt;
    const auto part = scaled(integral, fraction, unit->size);
    if (!part) return std::nullopt;
    sum += *part;  // at most five parts, each an eighth of the range
    previous_unit = unit->size;
  }
  return Milliseconds{static_cast<std::int64_t>(sum)};
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const auto number = whole(take_while(text, is_digit));
  if (!number || text.empty()) return number;
  const Unit* unit = find_unit(binary_units, text);
  if (unit == nullptr) unit = find_unit(other_byte_units, text);
  if (unit == nullptr || *number > std::numeric_limits<std::uint64_t>::max() / unit->size) {
    return std::nullopt;
  }
  return *number * unit->size;
}

std::string format_duration(Milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  for (const Unit& unit : duration_units) {
    if (count % unit.size == 0) return std::to_string(count / unit.size) + std::string(unit.name);
  }
  return std::to_string(count) + "ms";
}

std::string format_bytes(std::uint64_t bytes) {
  for (const Unit& unit : binary_units) {
    if (bytes != 0 && bytes % unit.size == 0) {
      return std::to_string(bytes / unit.size) + std::string(unit.name);
    }
  }
  return std::to_string(bytes);
}

}  // namespace wxpush::config
