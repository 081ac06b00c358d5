#pragma once
// WeChat's SHA-1 signatures (docs/protocol.md, "Signatures"): the strings are sorted byte by byte,
// concatenated without a separator, hashed, and printed as 40 lower-case hexadecimal characters.

#include <string>
#include <string_view>

namespace wxpush::crypto {

// Over {token, timestamp, nonce}: the handshake GET. It does not cover a body and admits no POST.
std::string handshake_signature(std::string_view token, std::string_view timestamp,
                                std::string_view nonce);

// Over {token, timestamp, nonce, encrypt}: what proves a push, and what our sealed reply carries.
std::string message_signature(std::string_view token, std::string_view timestamp,
                              std::string_view nonce, std::string_view encrypt);

// delivery_sign of the merchant APIs: SHA-1 hex over shopid, shop_order_id (may be empty: the
// requests that have none) and AppSecret, concatenated in this order.
std::string delivery_sign(std::string_view shopid, std::string_view shop_order_id,
                          std::string_view app_secret);

}  // namespace wxpush::crypto
