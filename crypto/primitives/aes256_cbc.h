#pragma once
// AES-256 in CBC mode, in place and without padding: whoever calls owns the padding, since WeChat's
// is over blocks of 32 bytes, which no library knows.

#include <array>
#include <cstdint>
#include <span>

namespace wxpush::crypto {

using Aes256Key = std::array<std::uint8_t, 32>;
using AesBlock = std::array<std::uint8_t, 16>;

// `data` must be a multiple of 16 bytes (std::invalid_argument otherwise: a bug of the caller); it
// is overwritten with the result. The key schedule is wiped before the return. std::runtime_error
// if OpenSSL has no such cipher or no memory.
void aes256_cbc_encrypt(const Aes256Key& key, const AesBlock& iv, std::span<std::uint8_t> data);
void aes256_cbc_decrypt(const Aes256Key& key, const AesBlock& iv, std::span<std::uint8_t> data);

}  // namespace wxpush::crypto
