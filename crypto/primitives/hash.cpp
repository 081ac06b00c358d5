#include "crypto/primitives/hash.h"

// SHA-1 and SHA-256 are called directly, which OpenSSL 3 discourages in favour of its providers:
// three digests are taken for each push, and a provider adds about 0.1 us to each of them. The code
// that computes is the same.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#include <memory>
#include <stdexcept>

namespace wxpush::crypto {
namespace {

struct Free {
  void operator()(EVP_MAC* algorithm) const noexcept { EVP_MAC_free(algorithm); }
  void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
};
template <typename Type>
using Owned = std::unique_ptr<Type, Free>;

[[noreturn]] void fail(const char* algorithm) {
  throw std::runtime_error(std::string("OpenSSL: ") + algorithm + " failed");
}

template <class State, std::size_t size, auto begin, auto add, auto end>
std::array<std::uint8_t, size> digest(std::initializer_list<std::string_view> pieces) {
  State state;
  std::array<std::uint8_t, size> out;
  bool good = begin(&state) == 1;
  for (const std::string_view piece : pieces) {
    good = good && add(&state, piece.data(), piece.size()) == 1;
  }
  good = good && end(out.data(), &state) == 1;
  if (!good) fail("a digest");
  return out;
}

}  // namespace

Sha1Digest sha1(std::initializer_list<std::string_view> pieces) {
  return digest<SHA_CTX, SHA_DIGEST_LENGTH, SHA1_Init, SHA1_Update, SHA1_Final>(pieces);
}

Sha256Digest sha256(std::initializer_list<std::string_view> pieces) {
  return digest<SHA256_CTX, SHA256_DIGEST_LENGTH, SHA256_Init, SHA256_Update, SHA256_Final>(pieces);
}

Sha256Digest hmac_sha256(std::string_view key, std::initializer_list<std::string_view> pieces) {
  static const Owned<EVP_MAC> algorithm(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  // The context keeps the key, so it ends with the call (freeing it wipes it).
  const Owned<EVP_MAC_CTX> context(algorithm ? EVP_MAC_CTX_new(algorithm.get()) : nullptr);
  std::string name = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), name.size()),
      OSSL_PARAM_construct_end()};
  static constexpr unsigned char no_key = 0;  // a null pointer would mean "as before" to OpenSSL
  const auto* key_bytes =
      key.empty() ? &no_key : reinterpret_cast<const unsigned char*>(key.data());
  Sha256Digest out{};
  std::size_t written = 0;
  bool good = context && EVP_MAC_init(context.get(), key_bytes, key.size(), parameters.data()) == 1;
  for (const std::string_view piece : pieces) {
    good =
        good && EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(piece.data()),
                               piece.size()) == 1;
  }
  good = good && EVP_MAC_final(context.get(), out.data(), &written, out.size()) == 1;
  if (!good || written != out.size()) fail("HMAC-SHA256");
  return out;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text(bytes.size() * 2, '\0');
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    text[at++] = digits[byte >> 4U];
    text[at++] = digits[byte & 15U];
  }
  return text;
}

}  // namespace wxpush::crypto
