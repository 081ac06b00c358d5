// Base64, strict: one text for the same bytes, and none that somebody else would read differently.
#include "crypto/primitives/base64.h"
#include "tests/fuzz/target.h"

#include <array>
#include <optional>
#include <string>

using namespace wxpush;

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Bit by bit, as RFC 4648 tells it.
std::optional<std::string> plainly(std::string text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.pop_back();
    ++padding;
  }
  std::string bytes;
  unsigned held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == alphabet.npos) return std::nullopt;
    bits = (bits << 6U | static_cast<unsigned>(value)) & 0xFFFU;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xFFU);
  }
  const bool rest_is_zero = (bits & ((1U << held) - 1)) == 0;
  return rest_is_zero ? std::optional(bytes) : std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const auto bytes = crypto::base64_decode(input);
  fuzz::require(bytes == plainly(std::string(input)));
  if (bytes) fuzz::require(crypto::base64_encode(*bytes) == input);
  fuzz::require(crypto::base64_decode(crypto::base64_encode(input)) == input);

  // A key: the two bits too many may be set, and then another text means the same.
  std::array<std::uint8_t, 32> key{};
  const bool is_key = crypto::base64_decode_key(input, key);
  fuzz::require(is_key == (size == 43 && input.find_first_not_of(alphabet) == input.npos));
  if (is_key) {
    const std::string written =
        crypto::base64_encode({reinterpret_cast<const char*>(key.data()), key.size()});
    fuzz::require(written.substr(0, 42) == input.substr(0, 42) && written.back() == '=');
  }
  return 0;
}
