#pragma once
// Digests over byte strings. Strings stand for bytes throughout the project; none needs to be text.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace wxpush::crypto {

using Sha1Digest = std::array<std::uint8_t, 20>;
using Sha256Digest = std::array<std::uint8_t, 32>;

// The digest over the concatenation of the pieces.
Sha1Digest sha1(std::initializer_list<std::string_view> pieces);
Sha256Digest sha256(std::initializer_list<std::string_view> pieces);
Sha256Digest hmac_sha256(std::string_view key, std::initializer_list<std::string_view> pieces);

// Lower-case hexadecimal.
std::string to_hex(std::span<const std::uint8_t> bytes);

}  // namespace wxpush::crypto
