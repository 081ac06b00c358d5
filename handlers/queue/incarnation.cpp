#include "handlers/queue/incarnation.h"

#include "crypto/primitives/random.h"

#include <array>
#include <string_view>

namespace wxpush::queue {

// 63 bits, since SQLite's integers are signed, and never 0.
Incarnation fresh_incarnation(crypto::Random& random) {
  std::array<std::uint8_t, 8> bytes{};
  random.fill(bytes);
  Incarnation value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  value &= ~(Incarnation{1} << 63);
  return value == 0 ? 1 : value;
}

std::string to_text(Incarnation incarnation) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = digits[(incarnation >> (60 - 4 * i)) & 15U];
  return text;
}

}  // namespace wxpush::queue
