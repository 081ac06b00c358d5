#pragma once
// What the store remembers about the use of a key: the one place that writes and reads that text.

#include "handlers/base/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::server {

struct KeyFact {
  WallTime last_used{};
  std::uint64_t uses = 0;
};

constexpr std::string_view key_fact_prefix = "key_used/";
std::string key_fact_name(std::string_view app, std::string_view key);
// "Unix milliseconds, a space, number of uses".
std::string to_text(const KeyFact& fact);
std::optional<KeyFact> read_key_fact(std::string_view text);

}  // namespace wxpush::server
