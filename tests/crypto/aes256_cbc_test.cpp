#include "crypto/primitives/aes256_cbc.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace wxpush::crypto {
namespace {

std::vector<std::uint8_t> from_hex(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(digits.find(text[i]) * 16 + digits.find(text[i + 1])));
  }
  return bytes;
}

Aes256Key key_from(std::string_view hex) {
  Aes256Key key{};
  const auto bytes = from_hex(hex);
  REQUIRE(bytes.size() == key.size());
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

AesBlock counting_iv() {
  AesBlock iv{};
  std::iota(iv.begin(), iv.end(), std::uint8_t{0});
  return iv;
}

// NIST SP 800-38A, F.2.5 and F.2.6.
constexpr std::string_view nist_key =
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
constexpr std::string_view nist_plain =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
constexpr std::string_view nist_cipher =
    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
    "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b";

}  // namespace

TEST_CASE("AES-256-CBC: NIST's example, in both directions and in place") {
  auto data = from_hex(nist_plain);
  aes256_cbc_encrypt(key_from(nist_key), counting_iv(), data);
  CHECK(data == from_hex(nist_cipher));
  aes256_cbc_decrypt(key_from(nist_key), counting_iv(), data);
  CHECK(data == from_hex(nist_plain));
}

TEST_CASE("AES-256-CBC: a call does not depend on the one before it") {
  std::vector<std::uint8_t> other(64, 7);
  aes256_cbc_encrypt(Aes256Key{}, AesBlock{}, other);
  auto data = from_hex(nist_plain);
  aes256_cbc_encrypt(key_from(nist_key), counting_iv(), data);
  CHECK(data == from_hex(nist_cipher));
}

TEST_CASE("AES-256-CBC: nothing stays nothing; part of a block is the caller's bug") {
  std::vector<std::uint8_t> none;
  CHECK_NOTHROW(aes256_cbc_encrypt(Aes256Key{}, AesBlock{}, none));
  for (const std::size_t size : {1U, 15U, 17U, 31U}) {
    std::vector<std::uint8_t> torn(size, 0);
    CHECK_THROWS_AS(aes256_cbc_encrypt(Aes256Key{}, AesBlock{}, torn), std::invalid_argument);
    CHECK_THROWS_AS(aes256_cbc_decrypt(Aes256Key{}, AesBlock{}, torn), std::invalid_argument);
  }
}

}  // namespace wxpush::crypto
