#include "crypto/primitives/base64.h"

#include "crypto/primitives/constant_time.h"

namespace wxpush::crypto {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What a character means at the first, second, third and fourth place of four, already shifted to
// where its bits belong in the 24; or a bit that lies above them all. So four lookups are just
// joined, and one test at the end finds any character that is none: this runs over every push.
constexpr std::uint32_t invalid = 0x8000'0000U;
using Table = std::array<std::uint32_t, 256>;
constexpr Table table_shifted_by(std::uint32_t shift) {
  Table table{};
  table.fill(invalid);
  for (std::uint32_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = i << shift;
  }
  return table;
}
constexpr Table first = table_shifted_by(18);
constexpr Table second = table_shifted_by(12);
constexpr Table third = table_shifted_by(6);
constexpr Table fourth = table_shifted_by(0);

std::uint32_t quantum(const char* text) noexcept {
  return first[static_cast<unsigned char>(text[0])] | second[static_cast<unsigned char>(text[1])] |
         third[static_cast<unsigned char>(text[2])] | fourth[static_cast<unsigned char>(text[3])];
}

std::uint32_t byte_of(char c) noexcept {
  return static_cast<unsigned char>(c);
}
char digit_of(std::uint32_t bits) noexcept {
  return alphabet[bits & 63U];
}
char char_of(std::uint32_t bits) noexcept {
  return static_cast<char>(bits & 0xFFU);
}

// The last quantum, "xx==" or "xxx=": the bits that no byte takes must be zero, or two texts would
// stand for the same bytes.
bool decode_padded(const char* text, std::string& out) {
  const std::size_t bytes = text[2] == '=' ? 1 : 2;
  const std::array<char, 4> filled = {text[0], text[1], bytes == 1 ? 'A' : text[2], 'A'};
  const std::uint32_t last = quantum(filled.data());
  const std::uint32_t unused = bytes == 1 ? 0xFFFFU : 0xFFU;
  if ((last & (invalid | unused)) != 0) return false;
  out.push_back(char_of(last >> 16U));
  if (bytes == 2) out.push_back(char_of(last >> 8U));
  return true;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  char* out = text.data();
  const char* in = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, in += 3, out += 4) {
    const std::uint32_t bits = (byte_of(in[0]) << 16U) | (byte_of(in[1]) << 8U) | byte_of(in[2]);
    out[0] = digit_of(bits >> 18U);
    out[1] = digit_of(bits >> 12U);
    out[2] = digit_of(bits >> 6U);
    out[3] = digit_of(bits);
  }
  if (left > 0) {
    const std::uint32_t bits = (byte_of(in[0]) << 16U) | (left == 2 ? byte_of(in[1]) << 8U : 0U);
    out[0] = digit_of(bits >> 18U);
    out[1] = digit_of(bits >> 12U);
    if (left == 2) out[2] = digit_of(bits >> 6U);
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const bool padded = !text.empty() && text.back() == '=';
  const std::size_t whole = text.size() / 4 - (padded ? 1 : 0);
  std::string bytes(whole * 3, '\0');
  char* out = bytes.data();
  const char* in = text.data();
  std::uint32_t seen = 0;
  for (const char* end = in + whole * 4; in != end; in += 4, out += 3) {
    const std::uint32_t bits = quantum(in);
    seen |= bits;
    out[0] = char_of(bits >> 16U);
    out[1] = char_of(bits >> 8U);
    out[2] = char_of(bits);
  }
  if ((seen & invalid) != 0) return std::nullopt;
  if (padded && !decode_padded(in, bytes)) return std::nullopt;
  return bytes;
}

bool base64_decode_key(std::string_view text, std::array<std::uint8_t, 32>& out) noexcept {
  constexpr std::size_t key_characters = 43;
  if (text.size() != key_characters) {
    out.fill(0);
    return false;
  }
  std::uint32_t seen = 0;
  std::uint32_t bits = 0;
  unsigned held = 0;  // how many of the low bits of `bits` wait for a byte
  std::size_t written = 0;
  for (const char c : text) {
    const std::uint32_t value = fourth[static_cast<unsigned char>(c)];
    seen |= value;
    bits = (bits << 6U) | (value & 63U);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[written++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  cleanse(&bits, sizeof bits);
  if ((seen & invalid) == 0) return true;
  cleanse(out.data(), out.size());
  return false;
}

}  // namespace wxpush::crypto
