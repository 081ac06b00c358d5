#include "crypto/wechat/signature.h"

#include "crypto/primitives/hash.h"

#include <algorithm>
#include <array>

namespace wxpush::crypto {

// std::string_view compares bytes as unsigned, as WeChat does: '+' and '/' before digits, digits
// before upper case, upper case before lower case, and the bytes of UTF-8 after all of them.

std::string handshake_signature(std::string_view token, std::string_view timestamp,
                                std::string_view nonce) {
  std::array<std::string_view, 3> parts = {token, timestamp, nonce};
  std::sort(parts.begin(), parts.end());
  return to_hex(sha1({parts[0], parts[1], parts[2]}));
}

std::string message_signature(std::string_view token, std::string_view timestamp,
                              std::string_view nonce, std::string_view encrypt) {
  std::array<std::string_view, 4> parts = {token, timestamp, nonce, encrypt};
  std::sort(parts.begin(), parts.end());
  return to_hex(sha1({parts[0], parts[1], parts[2], parts[3]}));
}

std::string delivery_sign(std::string_view shopid, std::string_view shop_order_id,
                          std::string_view app_secret) {
  return to_hex(sha1({shopid, shop_order_id, app_secret}));
}

}  // namespace wxpush::crypto
