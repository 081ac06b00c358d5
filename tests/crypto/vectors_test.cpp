// The ground truth: what WeChat's own pages, public SDKs and independent implementations produced
// must open here, and seal to the same bytes; what is wrong in a known way must not open.

#include "tests/crypto/vectors.h"

#include "crypto/wechat/push_codec.h"
#include "crypto/wechat/signature.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::tests {
namespace {

using namespace wxpush::crypto;

// Vectors without a signature have no token; a key needs one all the same.
PushKey key_of(const Vector& vector) {
  return PushKey::make("k", std::string(vector.token.empty() ? "unused" : vector.token),
                       vector.encoding_aes_key)
      .value();
}

PushCodec codec_of(const Vector& vector, std::string_view appid) {
  std::vector<PushKey> keys;
  keys.push_back(key_of(vector));
  return {std::string(appid), std::move(keys)};
}

template <typename Predicate>
std::vector<Vector> select(Predicate wanted) {
  std::vector<Vector> found;
  std::copy_if(vectors().begin(), vectors().end(), std::back_inserter(found), wanted);
  return found;
}

bool signed_and_sealed(const Vector& v) {
  return v.decrypt_verified && !v.msg_signature.empty();
}

}  // namespace

TEST_CASE("vectors: none got lost on the way into the table") {
  CHECK(vectors().size() == 59);
  CHECK(vectors().front().id == "v001");
  CHECK(vectors().back().id == "v059");
}

TEST_CASE("vectors: every positive one decrypts to its message and receive id") {
  const auto positive = select([](const Vector& v) { return v.decrypt_verified; });
  REQUIRE(positive.size() == 48);
  for (const Vector& vector : positive) {
    CAPTURE(vector.id);
    const auto plain = decrypt(key_of(vector), vector.encrypt);
    REQUIRE(plain.has_value());
    CHECK(plain->message == vector.plaintext);
    CHECK(plain->receive_id == vector.receive_id);
  }
}

TEST_CASE("vectors: every signed one opens for the appid at its tail") {
  const auto positive = select(signed_and_sealed);
  REQUIRE(positive.size() == 41);
  for (const Vector& vector : positive) {
    CAPTURE(vector.id);
    const PushCodec codec = codec_of(vector, vector.receive_id);
    const auto opened =
        codec.open(vector.timestamp, vector.nonce, vector.msg_signature, vector.encrypt);
    REQUIRE(opened.has_value());
    CHECK(opened->message == vector.plaintext);
    CHECK(opened->matched == &codec.keys().front());
  }
}

TEST_CASE("vectors: a signed one opens for no other appid") {
  for (const Vector& vector : select(signed_and_sealed)) {
    CAPTURE(vector.id);
    const PushCodec codec = codec_of(vector, std::string(vector.receive_id) + "x");
    CHECK(
        codec.open(vector.timestamp, vector.nonce, vector.msg_signature, vector.encrypt).error() ==
        CodecError::foreign_appid);
  }
}

TEST_CASE("vectors: sealing gives the same bytes and the same msg_signature") {
  const auto repeatable = select([](const Vector& v) { return v.reencrypt_verified; });
  REQUIRE(repeatable.size() == 34);
  for (const Vector& vector : repeatable) {
    CAPTURE(vector.id);
    REQUIRE(vector.random16.size() == 16);
    std::array<std::uint8_t, 16> random16{};
    std::copy(vector.random16.begin(), vector.random16.end(), random16.begin());
    const PushKey key = key_of(vector);
    CHECK(encrypt(key, random16, vector.plaintext, vector.receive_id) == vector.encrypt);
    if (vector.msg_signature.empty()) continue;
    const Sealed sealed =
        codec_of(vector, vector.receive_id)
            .seal(key, random16, vector.plaintext, vector.timestamp, vector.nonce);
    CHECK(sealed.encrypt == vector.encrypt);
    CHECK(sealed.msg_signature == vector.msg_signature);
  }
}

TEST_CASE("vectors: a producer that pads to 16 bytes only is understood") {
  const auto found = select([](const Vector& v) { return v.id == "v028"; });
  REQUIRE(found.size() == 1);
  CHECK(found[0].decrypt_verified);
  CHECK_FALSE(found[0].reencrypt_verified);  // we pad to 32, as WeChat does
}

TEST_CASE("vectors: every negative one is signed and yet refused") {
  const auto negative = select([](const Vector& v) { return v.kind == "negative"; });
  REQUIRE(negative.size() == 6);
  for (const Vector& vector : negative) {
    CAPTURE(vector.id);
    CHECK(message_signature(vector.token, vector.timestamp, vector.nonce, vector.encrypt) ==
          vector.msg_signature);
    CHECK(decrypt(key_of(vector), vector.encrypt).error() == CodecError::not_opened);
    CHECK(codec_of(vector, vector.appid)
              .open(vector.timestamp, vector.nonce, vector.msg_signature, vector.encrypt)
              .error() == CodecError::not_opened);
  }
}

TEST_CASE("vectors: v053 is well sealed, but for another appid than its mini program") {
  const auto found = select([](const Vector& v) { return v.id == "v053"; });
  REQUIRE(found.size() == 1);
  const Vector& vector = found[0];
  CHECK(codec_of(vector, "wxba5fad812f8e6fb9")
            .open(vector.timestamp, vector.nonce, vector.msg_signature, vector.encrypt)
            .error() == CodecError::foreign_appid);
}

TEST_CASE("vectors: every signature that was verified is ours too") {
  std::size_t of_messages = 0;
  std::size_t of_handshakes = 0;
  for (const Vector& vector : select([](const Vector& v) { return v.signature_verified; })) {
    CAPTURE(vector.id);
    if (!vector.msg_signature.empty()) {
      ++of_messages;
      CHECK(message_signature(vector.token, vector.timestamp, vector.nonce, vector.encrypt) ==
            vector.msg_signature);
    }
    if (!vector.signature.empty()) {
      ++of_handshakes;
      CHECK(handshake_signature(vector.token, vector.timestamp, vector.nonce) == vector.signature);
    }
  }
  CHECK(of_messages == 49);
  CHECK(of_handshakes == 5);
}

}  // namespace wxpush::tests
