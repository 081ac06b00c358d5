#include "crypto/primitives/aes256_gcm.h"

#include "crypto/primitives/hash.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>

namespace wxpush::crypto {
namespace {

std::string hex(const std::string& bytes) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

// Cases 13 and 14 of the GCM specification (McGrew and Viega, appendix B): a key of zeros.
constexpr Aes256Key zero_key{};
constexpr GcmNonce zero_nonce{};

TEST_CASE("AES-256-GCM seals as its specification's test cases say") {
  CHECK(hex(aes256_gcm_seal(zero_key, zero_nonce, "", "")) == "530f8afbc74536b9a963b4f1c4cb738b");
  CHECK(hex(aes256_gcm_seal(zero_key, zero_nonce, "", std::string(16, '\0'))) ==
        "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

TEST_CASE("what was sealed opens") {
  const std::string plain = "a message of no particular length";
  const std::string sealed = aes256_gcm_seal(zero_key, zero_nonce, "whose", plain);
  CHECK(sealed.size() == plain.size() + gcm_tag_size);
  CHECK(aes256_gcm_open(zero_key, zero_nonce, "whose", sealed) == plain);
}

TEST_CASE("what was changed does not open, wherever the change is") {
  const std::string sealed = aes256_gcm_seal(zero_key, zero_nonce, "whose", "message");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CAPTURE(i);
    CHECK_FALSE(aes256_gcm_open(zero_key, zero_nonce, "whose", changed));
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    CHECK_FALSE(aes256_gcm_open(zero_key, zero_nonce, "whose", sealed.substr(0, size)));
  CHECK_FALSE(aes256_gcm_open(zero_key, zero_nonce, "another's", sealed));
  Aes256Key other_key{};
  other_key[31] = 1;
  CHECK_FALSE(aes256_gcm_open(other_key, zero_nonce, "whose", sealed));
  GcmNonce other_nonce{};
  other_nonce[0] = 1;
  CHECK_FALSE(aes256_gcm_open(zero_key, other_nonce, "whose", sealed));
}

}  // namespace
}  // namespace wxpush::crypto
