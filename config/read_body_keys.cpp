// The keys that event bodies are sealed with in the store. No text made here may hold one.
#include "config/files.h"
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

constexpr std::size_t key_bytes = 32;
constexpr std::size_t most_old_keys = 16;

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Empty if that is not what it is.
Secret from_hex(const std::string& digits) {
  if (digits.size() != 2 * key_bytes) return {};
  if (std::ranges::any_of(digits, [](char c) { return digit_value(c) < 0; })) return {};
  std::string bytes(key_bytes, '\0');
  for (std::size_t i = 0; i < key_bytes; ++i) {
    bytes[i] = static_cast<char>(digit_value(digits[2 * i]) * 16 + digit_value(digits[2 * i + 1]));
  }
  return Secret(std::move(bytes));
}

std::optional<KeyFile> read_key_file(Section& section, const Section::Text& given) {
  const auto digits = read_secret_file(section, given);
  if (!digits) return std::nullopt;
  KeyFile file{.path = resolve(given), .key = from_hex(digits->reveal())};
  if (!file.key.empty()) return file;
  section.loading().problem(given.origin,
                            "the file " + quote_short(file.path.string()) +
                                " holds no key: it must hold 64 hexadecimal digits alone; "
                                "wxpush keygen --store-key FILE makes one");
  return std::nullopt;
}

}  // namespace

void read_body_keys(Section& section, Store& store) {
  if (const auto given = section.text("encryption_key_file", "a path in double quotes"))
    store.encryption_key = read_key_file(section, *given);
  const auto old = section.list("old_encryption_key_files", "an array of paths", most_old_keys);
  if (!old) return;
  for (const auto& item : old->items) {
    if (auto file = read_key_file(section, item)) store.old_encryption_keys.push_back(*file);
  }
  if (!store.old_encryption_keys.empty() && !section.find("encryption_key_file")) {
    section.missing("encryption_key_file",
                    "old keys only open what they sealed; give the one that seals from now on");
  }
}

}  // namespace wxpush::config
