#include "crypto/primitives/hash.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

namespace wxpush::crypto {

TEST_CASE("sha1 and sha256: the examples of FIPS 180") {
  CHECK(to_hex(sha1({"abc"})) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(to_hex(sha1({})) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(to_hex(sha256({"abc"})) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a digest is over the concatenation: where the pieces end does not matter") {
  CHECK(sha1({"a", "", "bc"}) == sha1({"abc"}));
  CHECK(sha256({"", "ab", "c"}) == sha256({"abc"}));
  CHECK(hmac_sha256("k", {"a", "bc"}) == hmac_sha256("k", {"abc"}));
  using std::string_view_literals::operator""sv;
  CHECK(sha256({"wx1", "\0"sv, "m"}) != sha256({"wx1", "m"}));  // a zero byte is a byte
}

TEST_CASE("a digest larger than a block: one million letters (FIPS 180)") {
  const std::string million(1'000'000, 'a');
  CHECK(to_hex(sha1({million})) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  CHECK(to_hex(sha256({million})) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("hmac_sha256: the examples of RFC 4231, and an empty key") {
  CHECK(to_hex(hmac_sha256(std::string(20, '\x0b'), {"Hi There"})) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(to_hex(hmac_sha256("Jefe", {"what do ya want ", "for nothing?"})) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(hmac_sha256(std::string(131, '\xaa'),
                           {"Test Using Larger Than Block-Size Key - Hash Key First"})) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(to_hex(hmac_sha256({}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("threads do not disturb each other's digests") {
  std::array<std::string, 4> results;
  {
    std::vector<std::jthread> threads;
    threads.reserve(results.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      threads.emplace_back([&result = results[i]] {
        for (int round = 0; round < 500; ++round) {
          result = to_hex(sha1({"a", "bc"})) + to_hex(sha256({"ab", "c"}));
        }
      });
    }
  }
  for (const std::string& result : results) {
    CHECK(result == to_hex(sha1({"abc"})) + to_hex(sha256({"abc"})));
  }
}

TEST_CASE("to_hex: two lower-case digits a byte") {
  const std::array<std::uint8_t, 5> bytes = {0x00, 0x0f, 0xa0, 0x7f, 0xff};
  CHECK(to_hex(bytes) == "000fa07fff");
  CHECK(to_hex({}).empty());
}

}  // namespace wxpush::crypto
