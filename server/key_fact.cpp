#include "server/key_fact.h"

#include <charconv>

namespace wxpush::server {

std::string key_fact_name(std::string_view app, std::string_view key) {
  return std::string(key_fact_prefix).append(app).append("/").append(key);
}

std::string to_text(const KeyFact& fact) {
  return std::to_string(fact.last_used.time_since_epoch().count()) + " " +
         std::to_string(fact.uses);
}

std::optional<KeyFact> read_key_fact(std::string_view text) {
  std::int64_t milliseconds = 0;
  KeyFact fact;
  const char* const end = text.data() + text.size();
  const auto [space, error] = std::from_chars(text.data(), end, milliseconds);
  if (error != std::errc() || space == end || *space != ' ') return std::nullopt;
  if (std::from_chars(space + 1, end, fact.uses).ec != std::errc()) return std::nullopt;
  fact.last_used = WallTime(std::chrono::milliseconds(milliseconds));
  return fact;
}

}  // namespace wxpush::server
