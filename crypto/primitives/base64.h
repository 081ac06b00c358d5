#pragma once
// Base64 of RFC 4648 section 4, with padding.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wxpush::crypto {

std::string base64_encode(std::string_view bytes);

// Strict: full padding, no white space, no other characters, unused bits zero; nullopt otherwise.
std::optional<std::string> base64_decode(std::string_view text);

// The form of an EncodingAESKey: exactly 43 characters without padding are 258 bits, of which the
// last two are ignored whatever they are (official samples have them set). False if it is not that;
// then `out` is all zero. Nothing of the key stays elsewhere in memory.
bool base64_decode_key(std::string_view text, std::array<std::uint8_t, 32>& out) noexcept;

}  // namespace wxpush::crypto
