#include "crypto/wechat/signature.h"

#include "crypto/primitives/hash.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>

namespace wxpush::crypto {
namespace {

std::string sha1_hex(std::string_view text) {
  return to_hex(sha1({text}));
}

}  // namespace

TEST_CASE("handshake_signature: WeChat's own example") {
  CHECK(handshake_signature("AAAAA", "1714036504", "1514711492") ==
        "f464b24fc39322e44b38aa78f5edd27bd1441696");
}

TEST_CASE("the strings are sorted, whichever argument they came in as") {
  CHECK(handshake_signature("c", "a", "b") == sha1_hex("abc"));
  std::array<std::string, 4> parts = {"a", "b", "c", "d"};
  do {
    CHECK(message_signature(parts[0], parts[1], parts[2], parts[3]) == sha1_hex("abcd"));
  } while (std::next_permutation(parts.begin(), parts.end()));
}

TEST_CASE("the order is that of bytes: + / digits, upper case, lower case, UTF-8") {
  CHECK(message_signature("a", "1", "B", "+/") == sha1_hex("+/1Ba"));
  CHECK(message_signature("/", "+", "Z", "a") == sha1_hex("+/Za"));
  CHECK(handshake_signature("盛派", "~", "z") == sha1_hex("z~盛派"));  // not as signed char
}

TEST_CASE("the order is that of text, not of numbers, and a prefix comes first") {
  CHECK(handshake_signature("x", "9", "10") == sha1_hex("109x"));
  CHECK(handshake_signature("ab", "a", "abc") == sha1_hex("aababc"));
  CHECK(handshake_signature("", "2", "1") == sha1_hex("12"));
}

TEST_CASE("the two signatures differ: the handshake's does not cover the message") {
  CHECK(message_signature("t", "1", "2", "e") != handshake_signature("t", "1", "2"));
  CHECK(message_signature("t", "1", "2", "e") != message_signature("t", "1", "2", "f"));
}

TEST_CASE("delivery_sign: WeChat's own example") {
  // https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/immediate-delivery/read_first.html
  CHECK(delivery_sign("test_shop_id", "test_shop_order_id", "test_app_secrect") ==
        "a93d8d6bae9a9483c1b1d4e8670e7f6226ec94cb");
}

TEST_CASE("delivery_sign: nothing is sorted, and a request without an order leaves it out") {
  CHECK(delivery_sign("z", "m", "a") == sha1_hex("zma"));
  CHECK(delivery_sign("shop", "", "secret") == sha1_hex("shopsecret"));
}

}  // namespace wxpush::crypto
