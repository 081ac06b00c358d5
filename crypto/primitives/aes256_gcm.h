#pragma once
// AES-256 in GCM (NIST SP 800-38D): what was sealed opens only unchanged, under the same key, nonce
// and associated data.

#include "crypto/primitives/aes256_cbc.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::crypto {

using GcmNonce = std::array<std::uint8_t, 12>;  // never twice under one key
constexpr std::size_t gcm_tag_size = 16;

// The ciphertext, as long as `plain`, and behind it the tag. std::runtime_error if OpenSSL has no
// such cipher or no memory.
std::string aes256_gcm_seal(const Aes256Key& key, const GcmNonce& nonce,
                            std::string_view associated, std::string_view plain);
// nullopt if it is not what was sealed.
std::optional<std::string> aes256_gcm_open(const Aes256Key& key, const GcmNonce& nonce,
                                           std::string_view associated, std::string_view sealed);

}  // namespace wxpush::crypto
