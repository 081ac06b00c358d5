#include "crypto/primitives/base64.h"

#include <doctest/doctest.h>

#include <array>
#include <cctype>
#include <set>
#include <string>
#include <utility>

namespace wxpush::crypto {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> rfc4648 = {{
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
}};

bool in_alphabet(int c) {
  return (c < 128 && std::isalnum(c) != 0) || c == '+' || c == '/';
}

std::string counting_bytes(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i * 37 + size));
  return bytes;
}

using Key = std::array<std::uint8_t, 32>;
const std::string official_key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

}  // namespace

TEST_CASE("base64: the examples of RFC 4648") {
  for (const auto& [bytes, text] : rfc4648) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == std::string(bytes));
  }
}

TEST_CASE("base64: any bytes of any length come back") {
  for (std::size_t size = 0; size < 520; ++size) {
    CAPTURE(size);
    const std::string bytes = counting_bytes(size);
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
  }
}

TEST_CASE("base64: a character outside the alphabet is refused wherever it stands") {
  for (int c = 0; c < 256; ++c) {
    for (std::size_t at = 0; at < 8; ++at) {
      std::string text = "AAAAAAAA";
      text[at] = static_cast<char>(c);
      CAPTURE(c);
      CAPTURE(at);
      const bool valid_end = c == '=' && at == 7;  // "AAAAAAA=" is seven characters and padding
      CHECK(base64_decode(text).has_value() == (in_alphabet(c) || valid_end));
    }
  }
}

TEST_CASE("base64: the bits that no byte takes must be zero") {
  std::size_t with_one_byte = 0;
  std::size_t with_two_bytes = 0;
  for (int c = 0; c < 128; ++c) {
    if (!in_alphabet(c)) continue;
    with_one_byte += base64_decode(std::string("A") + static_cast<char>(c) + "==").has_value();
    with_two_bytes += base64_decode(std::string("AA") + static_cast<char>(c) + "=").has_value();
  }
  CHECK(with_one_byte == 4);    // 2 of 6 bits are used
  CHECK(with_two_bytes == 16);  // 4 of 6
}

TEST_CASE("base64: padding is neither missing nor misplaced, and nothing surrounds the text") {
  for (const std::string text :
       {"A",     "AA",     "AAA",   "AAAAA",        "=",        "==",       "===",      "====",
        "A===",  "AA=A",   "A=A=",  "=AAA",         "AA==AAAA", "AAAA====", "AAAAA===", " AAAA",
        "AAAA ", "AAAA\n", "AA AA", "AAAA\r\nAAAA", "AA-_",     "AAA\xC3"}) {
    CAPTURE(text);
    CHECK_FALSE(base64_decode(text).has_value());
  }
  CHECK_FALSE(base64_decode(std::string_view("AAA\0", 4)).has_value());
}

TEST_CASE("base64 key: the two last bits mean nothing, every other one does") {
  std::set<Key> keys;
  for (const char last : {'A', 'B', 'C', 'D'}) {  // 0 to 3: the same upper four bits
    std::string text = official_key;
    text.back() = last;
    Key key{};
    REQUIRE(base64_decode_key(text, key));
    keys.insert(key);
  }
  CHECK(keys.size() == 1);
  for (std::size_t at = 0; at < official_key.size(); ++at) {
    std::string text = official_key;
    text[at] = text[at] == 'Q' ? 'g' : 'Q';
    Key key{};
    REQUIRE(base64_decode_key(text, key));
    CHECK_MESSAGE(!keys.contains(key), "character " << at << " had no effect");
  }
}

TEST_CASE("base64 key: agrees with the strict decoder where the unused bits are zero") {
  std::string text = official_key;
  text.back() = 'A';
  Key key{};
  REQUIRE(base64_decode_key(text, key));
  CHECK(base64_decode(text + "=") == std::string(key.begin(), key.end()));
}

TEST_CASE("base64 key: what is no key leaves zeros") {
  for (const std::string& text :
       {std::string(), official_key.substr(1), official_key + "C", official_key.substr(1) + "=",
        official_key.substr(1) + "-", "_" + official_key.substr(1), " " + official_key.substr(1)}) {
    CAPTURE(text);
    Key key;
    key.fill(7);
    CHECK_FALSE(base64_decode_key(text, key));
    CHECK(key == Key{});
  }
}

}  // namespace wxpush::crypto
